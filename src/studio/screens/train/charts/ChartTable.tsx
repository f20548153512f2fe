import { useState } from 'react';
import type { ReactNode } from 'react';
import type { ChartRow } from '../../../logic/chartRows.ts';
import { formatCount } from '../../../logic/format.ts';
import type { ChartLine } from './MetricChart.tsx';
import styles from './ChartTable.module.css';

interface Props {
  readonly title: string;
  readonly rows: readonly ChartRow[];
  readonly lines: readonly ChartLine[];
  readonly write: (value: number) => string;
}

/** The chart's figures as a table, for screen readers and for reading off a value. */
export function ChartTable({ title, rows, lines, write }: Props): ReactNode {
  const [open, setOpen] = useState(false);
  return (
    <details className={styles.details} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Show as a table<span className="visually-hidden">: {title}</span>
      </summary>
      {open && (
        <div className={styles.scroll} tabIndex={0} role="region" aria-label={`${title} by step`}>
          <table className={styles.table}>
            <thead>
              <tr>
                <th scope="col">Step</th>
                {lines.map((line) => (
                  <th key={line.key} scope="col">
                    {line.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, index) => (
                <tr key={index}>
                  <th scope="row">{formatCount(row.step)}</th>
                  {lines.map((line) => (
                    <td key={line.key}>{row[line.key] === undefined ? '' : write(row[line.key] ?? 0)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}
