import type { ReactNode } from 'react';
import type { ModelCard, ModelQuality, WeightsChoice } from '../../../engine/api.ts';
import { measureQuality, qualityKey, stopQuantising } from '../../commands/quantise.ts';
import { Button } from '../../components/Button.tsx';
import { ErrorNotice } from '../../components/Notice.tsx';
import { WorkProgress } from '../../components/Progress.tsx';
import { plural } from '../../logic/format.ts';
import { changeText, qualityColumns } from '../../logic/quality.ts';
import { isActive } from '../../logic/readiness.ts';
import { weightsKey, weightsLabel, weightsText, whyNotMeasured } from '../../logic/weightChoices.ts';
import { goTo } from '../../routing.ts';
import { useStudio } from '../../state/store.ts';
import common from './WeightErrors.module.css';
import styles from './QualityTable.module.css';

/** What the untrained model makes of the held-out rows, before its weights are rounded and after. */
export function QualityTable({ card, chosen }: { card: ModelCard; chosen: WeightsChoice }): ReactNode {
  const { measuring, quality, qualityOf } = useStudio((state) => state.quantise);
  const { card: data, opening } = useStudio((state) => state.data);
  const isTraining = useStudio((state) => isActive(state.run.status));
  const key = useStudio(qualityKey);
  const reason = whyNotMeasured(card, data);
  const known = qualityOf === key ? quality : {};
  const [before, after] = [known['stored'], known[weightsKey(chosen)]];
  return (
    <section aria-labelledby="weights-quality">
      <h3 id="weights-quality" className={common.title}>
        What it costs the model
      </h3>
      {reason ? (
        <Missing reason={reason} />
      ) : (
        <>
          <p className={common.text}>
            The model before any training, on the {plural(data?.evalRows ?? 0, 'held-out row')} of the open data.
          </p>
          {before && after && <Figures card={card} chosen={chosen} before={before} after={after} />}
          {measuring.error && <ErrorNotice error={measuring.error} />}
          {measuring.busy ? (
            <div className={common.work}>
              <WorkProgress progress={measuring.progress} fallback="Preparing the measurement" />
              <Button size="small" onClick={() => void stopQuantising('measure')}>
                Stop<span className="visually-hidden"> measuring</span>
              </Button>
            </div>
          ) : (
            !(before && after) && (
              <div className={common.work}>
                <Button size="small" disabled={isTraining || opening.busy} onClick={() => void measureQuality()}>
                  Measure before and after
                </Button>
              </div>
            )
          )}
        </>
      )}
    </section>
  );
}

function Missing({ reason }: { reason: string }): ReactNode {
  return (
    <>
      <p className={common.text}>{reason}</p>
      <div className={common.work}>
        <Button size="small" onClick={() => goTo('data')}>
          Go to the data
        </Button>
      </div>
    </>
  );
}

interface FiguresProps {
  readonly card: ModelCard;
  readonly chosen: WeightsChoice;
  readonly before: ModelQuality;
  readonly after: ModelQuality;
}

function Figures({ card, chosen, before, after }: FiguresProps): ReactNode {
  const columns = qualityColumns(before, after);
  const rows = [
    { name: weightsText(card, 'stored').title, note: weightsLabel(card, { name: 'stored', embeddings: false }) },
    { name: weightsText(card, chosen.name).title, note: chosen.embeddings ? 'embeddings in INT8' : '' },
  ];
  return (
    <div className={styles.scroll}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">Weights</th>
            {columns.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, note }, index) => (
            <tr key={name}>
              <th scope="row">
                {name} {note && <span className={styles.note}>{note}</span>}
              </th>
              {columns.map((column) => (
                <td key={column.name}>
                  {index === 0 ? column.before : column.after}
                  {index === 1 && <span className={styles.change}>{changeText(column)}</span>}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
