import type { ReactNode } from 'react';
import type { LabelSummary } from '../../../engine/api.ts';
import { formatCount, formatNumber, plural } from '../../logic/format.ts';
import styles from './LabelChart.module.css';

/** How often each label occurs: a class with few rows is learned badly, one with none not at all. */
export function LabelChart({ labels, unit }: { labels: LabelSummary; unit: string }): ReactNode {
  const { counts, values } = labels;
  if (values)
    return (
      <figure>
        <figcaption className={styles.caption}>Values to estimate</figcaption>
        <p className={styles.values}>
          {rounded(values.least)} to {rounded(values.most)}, {rounded(values.mean)} on average
        </p>
      </figure>
    );
  const most = counts.reduce((highest, { count }) => Math.max(highest, count), 1);
  const unused = counts.filter(({ count }) => count === 0);
  return (
    <figure className={styles.figure}>
      <figcaption className={styles.caption} id="label-chart">
        {plural(counts.length, 'label')}, by {unit}
      </figcaption>
      <div className={styles.scroll} tabIndex={0} role="region" aria-labelledby="label-chart">
        <ul className={styles.list}>
          {counts.map(({ label, count }, id) => (
            <li key={id} className={styles.item}>
              <span className={styles.name}>{label}</span>
              <span className={styles.bar} aria-hidden="true">
                <span style={{ width: `${(count / most) * 100}%` }} />
              </span>
              <span className={count === 0 ? styles.none : styles.count}>{formatCount(count)}</span>
            </li>
          ))}
        </ul>
      </div>
      {unused.length > 0 && (
        <p className={styles.unused}>
          {plural(unused.length, 'label')} {unused.length === 1 ? 'is' : 'are'} in no {unit.replace(/s$/, '')}, so the
          model cannot learn {unused.length === 1 ? 'it' : 'them'}.
        </p>
      )}
    </figure>
  );
}

function rounded(value: number): string {
  return formatNumber(Number(value.toPrecision(4)));
}
