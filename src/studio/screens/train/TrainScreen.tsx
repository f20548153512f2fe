import Activity from 'lucide-react/icons/activity';
import { lazy, Suspense } from 'react';
import type { ReactNode } from 'react';
import { followReadiness } from '../../commands/readiness.ts';
import { Button } from '../../components/Button.tsx';
import { Empty } from '../../components/Empty.tsx';
import { Notice } from '../../components/Notice.tsx';
import { ScreenFrame } from '../../components/Panel.tsx';
import { useReadiness } from '../../state/selectors.ts';
import { useStudio } from '../../state/store.ts';
import { FrozenSettings } from './FrozenSettings.tsx';
import { PhaseList } from './PhaseList.tsx';
import { RunEnd } from './RunEnd.tsx';
import { RunHeader } from './RunHeader.tsx';
import { Samples } from './Samples.tsx';
import styles from './TrainScreen.module.css';

const RunCharts = lazy(() => import('./charts/RunCharts.tsx'));
const Evaluations = lazy(() => import('./charts/Evaluations.tsx'));

export function TrainScreen(): ReactNode {
  const run = useStudio((state) => state.run);
  if (run.status === 'idle') return <NothingRuns />;
  return (
    <ScreenFrame title="Training" lead={leads[run.status]}>
      <RunEnd />
      <RunHeader />
      {run.status === 'preparing' && <PhaseList phases={run.phases} open />}
      {run.notices.map((notice, index) => (
        <Notice key={index} tone="warn">
          {notice}
        </Notice>
      ))}
      {run.status !== 'preparing' && (
        <Suspense fallback={<p className={styles.loading}>Drawing the charts…</p>}>
          <RunCharts />
          <Evaluations labels={run.labels} />
        </Suspense>
      )}
      {run.samples.length > 0 && <Samples samples={run.samples} />}
      <div className={styles.folds}>
        {run.status !== 'preparing' && run.phases.length > 0 && <PhaseList phases={run.phases} />}
        <FrozenSettings fields={run.fields} />
      </div>
    </ScreenFrame>
  );
}

const leads = {
  preparing: 'Getting the model onto the GPU. This takes longest the first time.',
  running: 'The loss should fall. You may look at the other screens meanwhile; keep this tab open.',
  paused: 'The run waits between two steps. Nothing is lost.',
  finished: 'The run is through. See what it learned.',
  stopped: 'The run was stopped, and what it learned so far was kept.',
  failed: 'The run did not reach its end.',
  interrupted: 'The run was cut off.',
} as const;

function NothingRuns(): ReactNode {
  const readiness = useReadiness();
  return (
    <ScreenFrame title="Training" lead="Here you watch the loss fall while the model learns.">
      <Empty
        icon={<Activity />}
        title="No run yet"
        action={
          readiness.action.kind !== 'none' && (
            <Button look="primary" onClick={() => followReadiness(readiness)}>
              {readiness.label}
            </Button>
          )
        }
      >
        {readiness.action.kind === 'start'
          ? 'Everything is ready. Starting takes a few seconds, then the first points appear.'
          : 'A run needs a model, data and a method. One thing is missing.'}
      </Empty>
    </ScreenFrame>
  );
}
