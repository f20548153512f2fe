import { memo } from 'react';
import type { ReactNode } from 'react';
import { CartesianGrid, Line, LineChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import { Panel } from '../../../components/Panel.tsx';
import type { ChartRow } from '../../../logic/chartRows.ts';
import { plural } from '../../../logic/format.ts';
import { ChartTable } from './ChartTable.tsx';
import { ChartTip } from './ChartTip.tsx';
import styles from './MetricChart.module.css';

export interface ChartLine {
  readonly key: 'raw' | 'smooth' | 'evaluated';
  readonly name: string;
  readonly look: 'faint' | 'strong' | 'second';
}

interface Props {
  readonly title: string;
  readonly rows: readonly ChartRow[];
  /** the rows before any change of scale; left out where it is the same */
  readonly tableRows?: readonly ChartRow[];
  readonly lines: readonly ChartLine[];
  readonly notNumbers: number;
  readonly write: (value: number) => string;
  readonly writeInTable?: (value: number) => string;
  readonly tall?: boolean;
  readonly tools?: ReactNode;
}

const tick = { fill: 'var(--ink-faint)', fontSize: 12 } as const;

/** One chart with its legend and the same figures as a table. */
export const MetricChart = memo(function MetricChart(props: Props): ReactNode {
  const { title, rows, tableRows = rows, lines, notNumbers, write, writeInTable = write, tall = false, tools } = props;
  const present = lines.filter((line) => rows.some((row) => row[line.key] !== undefined));
  return (
    <Panel title={title} aside={tools}>
      <div className={tall ? styles.tall : styles.plot} aria-hidden="true">
        {rows.length === 0 ? (
          <p className={styles.waiting}>The first point appears after the first step.</p>
        ) : (
          <ResponsiveContainer width="100%" height="100%">
            <LineChart
              data={rows as ChartRow[]}
              margin={{ top: 6, right: 10, bottom: 0, left: 0 }}
              accessibilityLayer={false}
            >
              <CartesianGrid stroke="var(--line)" vertical={false} />
              <XAxis
                dataKey="step"
                type="number"
                domain={['dataMin', 'dataMax']}
                tick={tick}
                stroke="var(--line)"
                tickLine={false}
              />
              <YAxis
                domain={['auto', 'auto']}
                tick={tick}
                tickFormatter={write}
                axisLine={false}
                tickLine={false}
                width={58}
              />
              <Tooltip isAnimationActive={false} content={<ChartTip lines={lines} write={write} />} />
              {present.map((line) => (
                <Line
                  key={line.key}
                  dataKey={line.key}
                  {...strokes[line.look]}
                  isAnimationActive={false}
                  connectNulls
                  activeDot={false}
                />
              ))}
            </LineChart>
          </ResponsiveContainer>
        )}
      </div>
      <div className={styles.foot}>
        {present.length > 1 && (
          <ul className={styles.legend}>
            {present.map((line) => (
              <li key={line.key}>
                <span className={styles[line.look]} aria-hidden="true" />
                {line.name}
              </li>
            ))}
          </ul>
        )}
        {notNumbers > 0 && (
          <p className={styles.broken}>{plural(notNumbers, 'step')} gave a value that is not a number.</p>
        )}
        <ChartTable title={title} rows={tableRows} lines={present} write={writeInTable} />
      </div>
    </Panel>
  );
});

const strokes = {
  faint: { stroke: 'var(--accent)', strokeOpacity: 0.3, strokeWidth: 1.25, dot: false },
  strong: { stroke: 'var(--accent)', strokeWidth: 2.25, dot: false },
  second: {
    stroke: 'var(--second)',
    strokeWidth: 1.75,
    strokeDasharray: '5 4',
    dot: { r: 3.5, fill: 'var(--surface)', strokeDasharray: '0' },
  },
} as const;
