import Play from 'lucide-react/icons/play';
import RotateCcw from 'lucide-react/icons/rotate-ccw';
import type { ReactNode } from 'react';
import { resetSettings } from '../commands/method.ts';
import { followReadiness } from '../commands/readiness.ts';
import { Button } from '../components/Button.tsx';
import { ProgressBar } from '../components/Progress.tsx';
import { formatBytes, formatCount, formatShare, formatShort, plural } from '../logic/format.ts';
import { isActive } from '../logic/readiness.ts';
import { rowsInFile } from '../logic/rows.ts';
import { shareDone } from '../logic/runProgress.ts';
import { changedFields, composeFields, methodOf, plannedSteps } from '../logic/settings.ts';
import { weightsLabel, weightsOfFields } from '../logic/weightChoices.ts';
import { goTo, useScreen } from '../routing.ts';
import type { Screen } from '../routing.ts';
import { useReadiness } from '../state/selectors.ts';
import { useStudio } from '../state/store.ts';
import { MemoryBar } from './MemoryBar.tsx';
import styles from './RunCard.module.css';

/** What would start if one pressed the button now, always in sight. */
export function RunCard(): ReactNode {
  const method = useStudio((state) => state.method);
  const model = useStudio((state) => state.model.card);
  const data = useStudio((state) => state.data);
  const running = useStudio((state) => isActive(state.run.status));
  const fields = composeFields(method, data.options);
  const steps = data.card ? plannedSteps(data.card.rows, fields) : null;
  const changed = changedFields(method).length;
  const { estimate } = method;
  return (
    <aside className={styles.card} aria-label="Run">
      <h2 className={styles.title}>{running ? 'Next run' : 'Your run'}</h2>
      <dl className={styles.rows}>
        <Row
          name="Model"
          screen="model"
          value={model?.name}
          note={model && `${formatShort(model.parameters)} parameters, ${weightsLabel(model, weightsOfFields(fields))}`}
        />
        <Row
          name="Data"
          screen="data"
          value={data.card?.name}
          note={data.card && plural(rowsInFile(data.card), model?.image ? 'image' : 'row')}
        />
        <Row
          name="Method"
          screen="method"
          value={methodOf(method)?.name}
          note={
            model &&
            estimate &&
            `Trains ${formatShort(estimate.trainableParameters)} (${formatShare(estimate.trainableParameters / estimate.totalParameters)}), file ${formatBytes(estimate.adapterBytes)}`
          }
        />
        {method.continued && <Row name="Goes on" screen="method" value={`from ${method.continued.name}`} />}
        {!model?.image && <Row name="Length" screen="data" value={`${formatCount(data.options.maxLength)} tokens`} />}
        <Row
          name="Batch"
          screen="method"
          value={batchText(fields['batch_size'], fields['gradient_accumulation_steps'])}
        />
        <Row name="Steps" screen="method" value={steps === null ? undefined : formatCount(steps)} />
      </dl>
      {model && estimate && <MemoryBar estimate={estimate} />}
      {changed > 0 && (
        <p className={styles.changed}>
          {plural(changed, 'setting')} changed
          <Button look="quiet" size="small" icon={<RotateCcw />} onClick={resetSettings}>
            Reset
          </Button>
        </p>
      )}
      {running ? <RunningNow /> : <StartButton />}
    </aside>
  );
}

function batchText(batch: unknown, accumulation: unknown): string | undefined {
  if (typeof batch !== 'number') return undefined;
  return typeof accumulation === 'number' && accumulation > 1 ? `${batch} × ${accumulation}` : String(batch);
}

interface RowProps {
  readonly name: string;
  readonly screen: Screen;
  readonly value: string | undefined;
  readonly note?: string | null | undefined;
}

function Row({ name, screen, value, note }: RowProps): ReactNode {
  return (
    <div className={styles.row}>
      <dt>{name}</dt>
      <dd>
        <a href={`#/${screen}`} className={value === undefined ? styles.missing : styles.value}>
          {value ?? 'not chosen'}
        </a>
        {note && <span className={styles.note}>{note}</span>}
      </dd>
    </div>
  );
}

/** While a run goes on, the button's place tells how far it is. */
function RunningNow(): ReactNode {
  const run = useStudio((state) => state.run);
  const percent = `${Math.floor(shareDone(run) * 100)} %`;
  const onTrain = useScreen() === 'train';
  return (
    <div className={styles.start}>
      <p className={styles.running}>
        {run.status === 'preparing' ? 'Preparing the run' : run.status === 'paused' ? 'Paused' : 'Training'}
        <span>{run.status === 'preparing' ? '' : percent}</span>
      </p>
      <ProgressBar label="Run in progress" share={run.status === 'preparing' ? null : shareDone(run)} />
      {!onTrain && <Button onClick={() => goTo('train')}>Show the run</Button>}
    </div>
  );
}

function StartButton(): ReactNode {
  const readiness = useReadiness();
  const starts = readiness.action.kind === 'start';
  return (
    <div className={styles.start}>
      <Button
        look={readiness.action.kind === 'none' ? 'plain' : 'primary'}
        size="large"
        disabled={readiness.action.kind === 'none'}
        icon={starts ? <Play /> : undefined}
        onClick={() => followReadiness(readiness)}
      >
        {readiness.label}
      </Button>
      {readiness.note && <p className={styles.startNote}>{readiness.note}</p>}
    </div>
  );
}
