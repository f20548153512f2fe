import type { ReactNode } from 'react';
import { startAfresh } from '../../commands/method.ts';
import { Button } from '../../components/Button.tsx';
import { Panel } from '../../components/Panel.tsx';
import { methodOf, type ContinuedAdapter } from '../../logic/settings.ts';
import { valueText } from '../../logic/values.ts';
import { useStudio } from '../../state/store.ts';
import styles from './Continued.module.css';

/** The adapter that the next run goes on from: its method and the shape that it has are not to be changed any more. */
export function Continued({ adapter }: { adapter: ContinuedAdapter }): ReactNode {
  const method = useStudio((state) => methodOf(state.method));
  const shaping = method?.fields.filter(
    ({ name, trainingOnly }) => trainingOnly !== true && isSaid(adapter.fields[name]),
  );
  return (
    <Panel
      title={`Continues ${adapter.name}`}
      hint="The run starts from what this adapter has learned. Its rows and its training settings may be others."
      aside={<Button onClick={startAfresh}>Start afresh instead</Button>}
    >
      <p className={styles.method}>{method?.summary}</p>
      <dl className={styles.settings} aria-label="Settings of the adapter">
        {shaping?.map(({ name, label, kind }) => (
          <div key={name}>
            <dt>{label}</dt>
            <dd>{kind === 'pattern' ? 'as saved' : valueText(adapter.fields[name])}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

/** What is left to the method's usual says nothing. */
function isSaid(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
