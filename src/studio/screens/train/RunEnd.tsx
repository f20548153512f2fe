import Download from 'lucide-react/icons/download';
import GitBranchPlus from 'lucide-react/icons/git-branch-plus';
import MessagesSquare from 'lucide-react/icons/messages-square';
import RotateCw from 'lucide-react/icons/rotate-cw';
import type { ReactNode } from 'react';
import { downloadAdapter } from '../../commands/library.ts';
import { continueFrom } from '../../commands/method.ts';
import { tryInPlayground } from '../../commands/playground.ts';
import { resumeRun } from '../../commands/run.ts';
import { Button } from '../../components/Button.tsx';
import { ErrorNotice, Notice } from '../../components/Notice.tsx';
import { errorRemedy } from '../../logic/errors.ts';
import { formatCount, formatLoss } from '../../logic/format.ts';
import { useStudio } from '../../state/store.ts';
import type { RunSummary } from '../../../engine/api.ts';
import styles from './RunEnd.module.css';

/** What came out: the way on after a good end, what was kept and what to do after a bad one. */
export function RunEnd(): ReactNode {
  const { status, error, summary } = useStudio((state) => state.run);
  if (status === 'failed' || status === 'interrupted') {
    return <Failure />;
  }
  if (error || !summary?.adapterId || (status !== 'finished' && status !== 'stopped')) return null;
  return <Success summary={summary} adapterId={summary.adapterId} />;
}

function Success({ summary, adapterId }: { summary: RunSummary; adapterId: string }): ReactNode {
  const loss = summary.lastLoss === undefined ? '' : ` Its last loss is ${formatLoss(summary.lastLoss)}.`;
  const adapterName = useStudio((state) => state.library.adapters.find(({ id }) => id === adapterId)?.name);
  const evaluation =
    summary.bestEvalLoss === undefined ? '' : ` Its best evaluation is ${formatLoss(summary.bestEvalLoss)}.`;
  return (
    <section className={styles.end} aria-labelledby="run-end">
      <div>
        <h2 id="run-end" className={styles.title}>
          Your adapter is ready
        </h2>
        <p className={styles.text}>
          It took {formatCount(summary.step)} steps.{loss}
          {evaluation}
        </p>
      </div>
      <div className={styles.actions}>
        <Button look="primary" icon={<MessagesSquare />} onClick={() => tryInPlayground(adapterId)}>
          Compare in Playground
        </Button>
        <Button icon={<Download />} onClick={() => void downloadAdapter(adapterId)}>
          Download adapter
        </Button>
        <Button
          icon={<GitBranchPlus />}
          onClick={() => void continueFrom({ id: adapterId, name: adapterName ?? summary.name })}
        >
          Continue from it
        </Button>
      </div>
    </section>
  );
}

function Failure(): ReactNode {
  const { error, summary, checkpoint } = useStudio((state) => state.run);
  const runs = useStudio((state) => state.library.runs);
  const failed = runs.find((run) => run.id === summary?.id) ?? summary;
  const step = checkpoint?.step ?? failed?.checkpointStep;
  const canResume = failed?.checkpointStep !== undefined;
  const message = error?.message ?? summary?.error ?? 'The run ended before its last step.';
  const remedy = error && errorRemedy(error.code);
  const words = (
    <>
      {remedy && <p>{remedy}</p>}
      <p>
        {step === undefined
          ? 'No checkpoint had been saved yet.'
          : `What was learned up to step ${formatCount(step)} is kept.`}
      </p>
    </>
  );
  const actions = canResume && (
    <Button icon={<RotateCw />} onClick={() => void resumeRun(failed)}>
      Resume from step {formatCount(failed.checkpointStep ?? 0)}
    </Button>
  );
  return error ? (
    <ErrorNotice error={error} actions={actions}>
      {words}
    </ErrorNotice>
  ) : (
    <Notice tone="bad" title="The run did not finish" actions={actions}>
      <p>{message}</p>
      {words}
    </Notice>
  );
}
