import type { ReactNode } from 'react';
import type { DataCard } from '../../../engine/api.ts';
import { histogramBars } from '../../logic/histogram.ts';
import { formatCount, plural } from '../../logic/format.ts';
import { useStudio } from '../../state/store.ts';
import styles from './Histogram.module.css';

/** How long the rows are, and where the maximum length cuts them. */
export function Histogram({ card }: { card: DataCard }): ReactNode {
  const maxLength = useStudio((state) => state.data.options.maxLength);
  const { bars, line, end } = histogramBars(card.lengthHistogram, maxLength);
  return (
    <figure className={styles.figure}>
      <figcaption className={styles.caption}>Row length in tokens</figcaption>
      <div className={styles.plot} aria-hidden="true">
        {bars.map((bar) => (
          <span
            key={bar.from}
            className={bar.from >= maxLength ? styles.barCut : styles.bar}
            style={{ left: `${bar.left * 100}%`, width: `${bar.width * 100}%`, height: `${bar.height * 100}%` }}
          />
        ))}
        {line !== null && (
          <span className={styles.line} style={{ left: `${line * 100}%` }}>
            <span className={line > 0.6 ? styles.tagLeft : styles.tag}>cut at {formatCount(maxLength)}</span>
          </span>
        )}
      </div>
      <div className={styles.axis} aria-hidden="true">
        <span>0</span>
        <span>{formatCount(end)}</span>
      </div>
      <ul className="visually-hidden">
        {bars.map((bar) => (
          <li key={bar.from}>
            {bar.from + 1} to {bar.upTo} tokens: {plural(bar.rows, 'row')}
          </li>
        ))}
      </ul>
    </figure>
  );
}
