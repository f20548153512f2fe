import type { ReactNode } from 'react';
import { formatCount } from '../../../logic/format.ts';
import type { ChartLine } from './MetricChart.tsx';
import styles from './ChartTip.module.css';

interface Props {
  readonly lines: readonly ChartLine[];
  readonly write: (value: number) => string;
  /** given by recharts */
  readonly active?: boolean;
  readonly label?: string | number;
  readonly payload?: readonly { readonly dataKey?: unknown; readonly value?: unknown }[];
}

export function ChartTip({ lines, write, active, label, payload }: Props): ReactNode {
  if (!active || !payload?.length) return null;
  return (
    <div className={styles.tip}>
      <p className={styles.step}>Step {formatCount(Number(label))}</p>
      {payload.map(({ dataKey, value }) => (
        <p key={String(dataKey)} className={styles.row}>
          <span>{lines.find((line) => line.key === dataKey)?.name}</span>
          <strong>{typeof value === 'number' ? write(value) : ''}</strong>
        </p>
      ))}
    </div>
  );
}
