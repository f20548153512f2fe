import Pause from 'lucide-react/icons/pause';
import Play from 'lucide-react/icons/play';
import Square from 'lucide-react/icons/square';
import Trash2 from 'lucide-react/icons/trash-2';
import type { ReactNode } from 'react';
import { continueRun, discardRun, pauseRun, stopAndKeep } from '../../commands/run.ts';
import { Button } from '../../components/Button.tsx';
import { ConfirmButton } from '../../components/ConfirmButton.tsx';
import { Panel } from '../../components/Panel.tsx';
import { ProgressBar } from '../../components/Progress.tsx';
import { Stats } from '../../components/Stats.tsx';
import { formatAgo, formatCount, formatLoss, formatSeconds } from '../../logic/format.ts';
import { isActive } from '../../logic/readiness.ts';
import { shareDone } from '../../logic/runProgress.ts';
import type { RunProgress } from '../../logic/runProgress.ts';
import { useNow } from '../../components/useNow.ts';
import { useStudio } from '../../state/store.ts';
import styles from './RunHeader.module.css';

export function RunHeader(): ReactNode {
  const run = useStudio((state) => state.run);
  const active = isActive(run.status);
  return (
    <Panel>
      <div className={styles.top}>
        <p className={styles.status}>{statusText(run)}</p>
        {active && <Controls status={run.status} />}
      </div>
      <ProgressBar label="Training progress" share={run.status === 'preparing' ? null : shareDone(run)} />
      <div className={styles.figures}>
        <Figures run={run} />
      </div>
    </Panel>
  );
}

function statusText({ status, message, pace }: RunProgress): string {
  if (message) return message;
  const at = pace ? ` at step ${formatCount(pace.step)}` : '';
  const texts: Record<RunProgress['status'], string> = {
    idle: '',
    preparing: 'Preparing…',
    running: 'Learning',
    paused: `Paused${at}`,
    finished: 'Finished',
    stopped: `Stopped${at}`,
    failed: `Failed${at}`,
    interrupted: `Cut off${at}`,
  };
  return texts[status];
}

function Controls({ status }: { status: RunProgress['status'] }): ReactNode {
  return (
    <div className={styles.controls}>
      {status === 'running' && (
        <Button icon={<Pause />} onClick={() => void pauseRun()}>
          Pause
        </Button>
      )}
      {status === 'paused' && (
        <Button look="primary" icon={<Play />} onClick={() => void continueRun()}>
          Continue
        </Button>
      )}
      {status === 'preparing' ? (
        <Button icon={<Square />} onClick={() => void discardRun()}>
          Cancel
        </Button>
      ) : (
        <EndControls />
      )}
    </div>
  );
}

function EndControls(): ReactNode {
  return (
    <>
      <Button icon={<Square />} onClick={() => void stopAndKeep()}>
        Stop and keep
      </Button>
      <ConfirmButton
        label="Discard"
        icon={<Trash2 />}
        title="Discard this run?"
        question="Training stops, and the run is deleted with everything it learned. This cannot be undone."
        confirmLabel="Discard the run"
        onConfirm={() => void discardRun()}
      />
    </>
  );
}

function Figures({ run }: { run: RunProgress }): ReactNode {
  const now = useNow(5_000);
  const { pace, lastLoss, checkpoint } = run;
  const active = isActive(run.status);
  return (
    <Stats
      stats={[
        { label: 'Step', value: pace ? `${formatCount(pace.step)} of ${formatCount(pace.totalSteps)}` : '–' },
        { label: 'Loss', value: lastLoss === null ? '–' : formatLoss(lastLoss) },
        { label: 'Speed', value: pace ? `${formatCount(Math.round(pace.tokensPerSecond))} tokens/s` : '–' },
        ...(active ? [{ label: 'Time left', value: pace ? formatSeconds(pace.secondsLeft) : '–' }] : []),
        {
          label: 'Checkpoint',
          value: checkpoint ? `Step ${formatCount(checkpoint.step)}` : '–',
          note: checkpoint && (checkpoint.stored ? `saved ${formatAgo(checkpoint.at, now)}` : 'in memory only'),
        },
      ]}
    />
  );
}
