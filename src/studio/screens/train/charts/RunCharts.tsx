import { memo, useMemo, useState, useSyncExternalStore } from 'react';
import type { ReactNode } from 'react';
import { Switch } from '../../../components/Switch.tsx';
import { lossView, onLogScale, plainView } from '../../../logic/chartRows.ts';
import { formatNumber } from '../../../logic/format.ts';
import { metricLog } from '../../../logic/metricLog.ts';
import { MetricChart } from './MetricChart.tsx';
import { RankCharts } from './RankCharts.tsx';
import styles from './RunCharts.module.css';

/** TensorBoard's default weight. */
const usualSmoothing = 0.6;

const lossLines = [
  { key: 'raw', name: 'Each step', look: 'faint' },
  { key: 'smooth', name: 'Smoothed', look: 'strong' },
  { key: 'evaluated', name: 'Evaluation', look: 'second' },
] as const;
const rateLines = [{ key: 'smooth', name: 'Learning rate', look: 'strong' }] as const;
const penaltyLines = [{ key: 'smooth', name: 'Penalty', look: 'strong' }] as const;
const normLines = [{ key: 'smooth', name: 'Gradient norm', look: 'strong' }] as const;

/** The charts of the run on screen. They read the metric log, which tells them of news four times a second. */
function RunCharts(): ReactNode {
  const points = useSyncExternalStore(metricLog.subscribe, metricLog.snapshot);
  const [smoothing, setSmoothing] = useState(usualSmoothing);
  const [log, setLog] = useState(false);
  const loss = useMemo(() => lossView(points, smoothing), [points, smoothing]);
  const rate = useMemo(() => plainView(points, 'learningRate'), [points]);
  const norm = useMemo(() => plainView(points, 'gradNorm'), [points]);
  const penalty = useMemo(() => plainView(points, 'regLoss'), [points]);
  const drawnLoss = useMemo(() => (log ? onLogScale(loss.rows) : loss.rows), [loss, log]);
  const writeLoss = log ? writePower : writeFigure;
  return (
    <div className={styles.charts}>
      <MetricChart
        title="Loss"
        rows={drawnLoss}
        tableRows={loss.rows}
        lines={lossLines}
        notNumbers={loss.notNumbers}
        write={writeLoss}
        writeInTable={writeFigure}
        tall
        tools={
          <>
            <label className={styles.smoothing}>
              Smoothing
              <input
                type="range"
                min={0}
                max={0.98}
                step={0.02}
                value={smoothing}
                onChange={(event) => setSmoothing(event.target.valueAsNumber)}
              />
              <output>{smoothing.toFixed(2)}</output>
            </label>
            <Switch label="Log scale" checked={log} onChange={setLog} />
          </>
        }
      />
      <div className={styles.pair}>
        <MetricChart
          title="Learning rate"
          rows={rate.rows}
          lines={rateLines}
          notNumbers={rate.notNumbers}
          write={writeFigure}
        />
        <MetricChart
          title="Gradient norm"
          rows={norm.rows}
          lines={normLines}
          notNumbers={norm.notNumbers}
          write={writeFigure}
        />
        {penalty.rows.length > 0 && (
          <MetricChart
            title="Penalty (reg_loss)"
            rows={penalty.rows}
            lines={penaltyLines}
            notNumbers={penalty.notNumbers}
            write={writeFigure}
          />
        )}
      </div>
      <RankCharts />
    </div>
  );
}

function writeFigure(value: number): string {
  return formatNumber(Number(value.toPrecision(4)));
}

function writePower(exponent: number): string {
  return writeFigure(10 ** exponent);
}

/** The screen around it changes with every figure; the charts only with the metric log. */
export default memo(RunCharts);
