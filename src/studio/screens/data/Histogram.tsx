import type { ReactNode } from 'react';
import type { DataCard } from '../../../engine/api.ts';
import { classes } from '../../components/classes.ts';
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
            className={card.cutRows > 0 && bar.atLimit ? styles.barCut : styles.bar}
            style={{
              left: `${bar.left * 100}%`,
              width: `${bar.width * 100}%`,
              height: `calc((100% - 1.5rem) * ${bar.height})`,
            }}
          />
        ))}
        {line !== null && (
          <span className={classes(styles.line, card.cutRows > 0 && styles.cutting)} style={{ left: `${line * 100}%` }}>
            <span className={line > 0.5 ? styles.tagLeft : styles.tag}>
              {card.cutRows > 0 ? `${plural(card.cutRows, 'row')} cut at` : 'limit'} {formatCount(maxLength)}
            </span>
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
            {bar.from} to {bar.upTo - 1} tokens: {plural(bar.rows, 'row')}
          </li>
        ))}
      </ul>
    </figure>
  );
}
