import type { ReactNode } from 'react';
import styles from './Sparkline.module.css';

const width = 96;
const height = 24;

/** A line without axes: only its shape matters. The figure beside it says the value. */
export function Sparkline({ values }: { values: readonly number[] }): ReactNode {
  const lowest = Math.min(...values);
  const span = Math.max(...values) - lowest || 1;
  const points = values.map((value, index) => {
    const x = 1 + (index / (values.length - 1)) * (width - 2);
    const y = 2 + (1 - (value - lowest) / span) * (height - 4);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return (
    <svg className={styles.line} viewBox={`0 0 ${width} ${height}`} width={width} height={height} aria-hidden="true">
      <polyline points={points.join(' ')} />
    </svg>
  );
}
