import type { ReactNode } from 'react';
import { Panel } from '../../components/Panel.tsx';
import { formatCount } from '../../logic/format.ts';
import type { TextSample } from '../../logic/runProgress.ts';
import styles from './Samples.module.css';

const shown = 6;

/** What the model writes on the way, the newest first. */
export function Samples({ samples }: { samples: readonly TextSample[] }): ReactNode {
  return (
    <Panel title="What it writes by now">
      <ol className={styles.list}>
        {samples
          .slice(-shown)
          .reverse()
          .map((sample) => (
            <li key={sample.step} className={styles.item}>
              <p className={styles.step}>Step {formatCount(sample.step)}</p>
              <p className={styles.prompt}>{sample.prompt}</p>
              <p className={styles.text}>{sample.text}</p>
            </li>
          ))}
      </ol>
    </Panel>
  );
}
