import type { ReactNode } from 'react';
import { Panel } from '../../../components/Panel.tsx';
import { confusionTable } from '../../../logic/evaluations.ts';
import { formatCount, formatShare } from '../../../logic/format.ts';
import styles from './ConfusionMatrix.module.css';

interface Props {
  readonly confusion: readonly (readonly number[])[];
  readonly labels: readonly string[];
}

/** The right guesses apart from the wrong; never so strong that the figure on it cannot be read. */
function shade(share: number, isRight: boolean): string {
  return `color-mix(in srgb, var(${isRight ? '--accent' : '--bad'}) ${Math.round(share * 45)}%, var(--sunken))`;
}

/** Which label was taken for which: each row is shaded by the shares of its own rows, the right ones apart from the wrong. */
export function ConfusionMatrix({ confusion, labels }: Props): ReactNode {
  const rows = confusionTable(confusion, labels);
  return (
    <Panel
      title="What was taken for what"
      hint="Each line holds the rows of one label; where they lie shows what was guessed."
    >
      <div className={styles.scroll} tabIndex={0} role="region" aria-label="Confusion matrix">
        <table className={styles.table}>
          <caption className="visually-hidden">
            Counts by the label that rows have and the label that was guessed
          </caption>
          <thead>
            <tr>
              <th scope="col">Label</th>
              {rows.map(({ label }, id) => (
                <th key={id} scope="col" className={styles.guessed}>
                  <span className="visually-hidden">guessed as </span>
                  {label}
                </th>
              ))}
              <th scope="col" className={styles.total}>
                Right
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ label, total, cells }, id) => (
              <tr key={id}>
                <th scope="row">{label}</th>
                {cells.map(({ count, share }, guessed) => (
                  <td
                    key={guessed}
                    className={guessed === id ? styles.right : styles.wrong}
                    style={{ background: shade(share, guessed === id) }}
                  >
                    {formatCount(count)}
                  </td>
                ))}
                <td className={styles.total}>{total === 0 ? '–' : formatShare(cells[id]?.share ?? 0)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
