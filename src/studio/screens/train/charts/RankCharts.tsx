import { memo, useMemo } from 'react';
import type { ReactNode } from 'react';
import { Panel } from '../../../components/Panel.tsx';
import { formatCount } from '../../../logic/format.ts';
import { rankGrid, totalRanks } from '../../../logic/rankGrid.ts';
import type { RanksAt } from '../../../logic/rankGrid.ts';
import { useStudio } from '../../../state/store.ts';
import { MetricChart } from './MetricChart.tsx';
import styles from './RankCharts.module.css';

const lines = [{ key: 'smooth', name: 'Ranks', look: 'strong' }] as const;

/** Of a method that moves ranks: how many are left, and where they are now. */
export function RankCharts(): ReactNode {
  const history = useStudio((state) => state.run.ranks);
  const total = useMemo(() => totalRanks(history), [history]);
  const last = history.at(-1);
  if (!last) return null;
  return (
    <>
      <MetricChart title="Ranks in all layers" rows={total} lines={lines} notNumbers={0} write={formatCount} />
      <RankTable at={last} />
    </>
  );
}

const RankTable = memo(function RankTable({ at }: { at: RanksAt }): ReactNode {
  const { layers, lines, highest } = useMemo(() => rankGrid(at.ranks), [at]);
  return (
    <Panel title="Rank of each layer" hint={`As of step ${formatCount(at.step)}. The stronger its colour, the higher.`}>
      <div className={styles.scroll} tabIndex={0} role="region" aria-label="Ranks by module and layer">
        <table className={styles.table}>
          <thead>
            <tr>
              <th scope="col">Layer</th>
              {layers.map((layer) => (
                <th key={layer} scope="col">
                  {layer === '' ? 'outside' : layer}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {lines.map(({ module, ranks }) => (
              <tr key={module}>
                <th scope="row">
                  <code>{module}</code>
                </th>
                {ranks.map((rank, index) => (
                  <td key={index} style={{ background: shade((rank ?? 0) / Math.max(1, highest)) }}>
                    {rank}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
});

/** Never so deep that the figure in it loses its contrast. */
function shade(share: number): string {
  return `color-mix(in srgb, var(--accent) ${Math.round(share * 32)}%, var(--sunken))`;
}
