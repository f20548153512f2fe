import Download from 'lucide-react/icons/download';
import RotateCw from 'lucide-react/icons/rotate-cw';
import Settings2 from 'lucide-react/icons/settings-2';
import Trash2 from 'lucide-react/icons/trash-2';
import type { ReactNode } from 'react';
import type { RunSummary } from '../../../engine/api.ts';
import { deleteRun, downloadAdapter } from '../../commands/library.ts';
import { reuseSettings } from '../../commands/method.ts';
import { resumeRun } from '../../commands/run.ts';
import { IconButton } from '../../components/Button.tsx';
import { classes } from '../../components/classes.ts';
import { ConfirmButton } from '../../components/ConfirmButton.tsx';
import { Sparkline } from '../../components/Sparkline.tsx';
import { formatCount, formatDate, formatLoss } from '../../logic/format.ts';
import { isActive } from '../../logic/readiness.ts';
import { useStudio } from '../../state/store.ts';
import styles from './Table.module.css';

const statusNames: Readonly<Record<RunSummary['status'], string>> = {
  preparing: 'Preparing',
  running: 'Running',
  paused: 'Paused',
  finished: 'Finished',
  stopped: 'Stopped',
  failed: 'Failed',
  interrupted: 'Cut off',
};

export function RunRow({ run }: { run: RunSummary }): ReactNode {
  const losses = useStudio((state) => state.library.losses[run.id]);
  return (
    <tr>
      <th scope="row" className={styles.name}>
        {run.name}
        <span className={styles.under}>
          {run.method} on {run.modelName}, {run.dataName}
        </span>
        <span className={styles.under}>{formatDate(run.createdAt)}</span>
      </th>
      <td>
        <span className={classes(styles.status, styles[run.status])}>{statusNames[run.status]}</span>
        <span className={classes(styles.under, styles.number)}>
          step {formatCount(run.step)} of {formatCount(run.totalSteps)}
        </span>
        {run.error && <span className={styles.under}>{run.error}</span>}
      </td>
      <td className={styles.number}>
        {losses && losses.length > 1 && <Sparkline values={losses} />}
        {run.lastLoss === undefined ? '–' : formatLoss(run.lastLoss)}
      </td>
      <td className={styles.number}>{run.bestEvalLoss === undefined ? '–' : formatLoss(run.bestEvalLoss)}</td>
      <td>
        <RunActions run={run} />
      </td>
    </tr>
  );
}

function RunActions({ run }: { run: RunSummary }): ReactNode {
  const busy = useStudio((state) => isActive(state.run.status));
  const canResume = run.checkpointStep !== undefined && run.status !== 'finished' && !isActive(run.status);
  const { adapterId } = run;
  return (
    <div className={styles.actions}>
      {canResume && (
        <IconButton
          label={`Resume ${run.name} from step ${formatCount(run.checkpointStep ?? 0)}`}
          disabled={busy}
          onClick={() => void resumeRun(run)}
        >
          <RotateCw />
        </IconButton>
      )}
      {adapterId !== undefined && (
        <IconButton label={`Download the adapter of ${run.name}`} onClick={() => void downloadAdapter(adapterId)}>
          <Download />
        </IconButton>
      )}
      <IconButton label={`Use the settings of ${run.name}`} onClick={() => void reuseSettings(run)}>
        <Settings2 />
      </IconButton>
      {!isActive(run.status) && (
        <ConfirmButton
          iconOnly
          icon={<Trash2 />}
          label={`Delete ${run.name}`}
          title="Delete this run?"
          question={`${run.name} is deleted with its checkpoints and its metrics. An adapter already in the library stays.`}
          confirmLabel="Delete"
          onConfirm={() => void deleteRun(run.id)}
        />
      )}
    </div>
  );
}
