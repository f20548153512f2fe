import { memo, useMemo, useSyncExternalStore } from 'react';
import type { ReactNode } from 'react';
import { Panel } from '../../../components/Panel.tsx';
import { Stats } from '../../../components/Stats.tsx';
import { scoreName, scoresOf } from '../../../logic/evaluations.ts';
import { formatCount, formatNumber } from '../../../logic/format.ts';
import { metricLog } from '../../../logic/metricLog.ts';
import { ConfusionMatrix } from './ConfusionMatrix.tsx';
import { MetricChart } from './MetricChart.tsx';
import charts from './RunCharts.module.css';

/** How good a classifier is on the rows that it does not learn from; nothing for a run that measures no such figures. */
function Evaluations({ labels }: { labels: readonly string[] }): ReactNode {
  const points = useSyncExternalStore(metricLog.subscribe, metricLog.snapshot);
  const scores = useMemo(() => scoresOf(points), [points]);
  const last = points.findLast(({ evalScores }) => evalScores !== undefined);
  if (!last) return null;
  return (
    <div className={charts.charts}>
      <Panel title="On the evaluation rows" hint={`Measured after step ${formatCount(last.step)}.`}>
        <Stats
          stats={scores.map(({ score, last: value }) => ({
            label: scoreName(score),
            value: value === null ? '–' : write(value),
            note: value === null ? 'these rows do not define it' : undefined,
          }))}
        />
      </Panel>
      {last.confusion && <ConfusionMatrix confusion={last.confusion} labels={labels} />}
      <div className={charts.pair}>
        {scores
          .filter(({ rows }) => rows.length > 1)
          .map(({ score, rows }) => (
            <MetricChart
              key={score}
              title={scoreName(score)}
              rows={rows}
              lines={[{ key: 'evaluated', name: scoreName(score), look: 'second' }]}
              notNumbers={0}
              write={write}
            />
          ))}
      </div>
    </div>
  );
}

function write(value: number): string {
  return formatNumber(Number(value.toPrecision(4)));
}

export default memo(Evaluations);
