import { useEffect } from 'react';
import type { ReactNode } from 'react';
import type { WeightError, WeightsChoice } from '../../../engine/api.ts';
import { compareWeights, stopQuantising } from '../../commands/quantise.ts';
import { Button } from '../../components/Button.tsx';
import { classes } from '../../components/classes.ts';
import { ErrorNotice } from '../../components/Notice.tsx';
import { WorkProgress } from '../../components/Progress.tsx';
import { formatShare } from '../../logic/format.ts';
import { usualError, weightsKey } from '../../logic/weightChoices.ts';
import { layerStacks, meanError, placeOf, worstError } from '../../logic/weightErrors.ts';
import type { LayerStack } from '../../logic/weightErrors.ts';
import { useStudio } from '../../state/store.ts';
import styles from './WeightErrors.module.css';

/** How far the rounded weights are from those of the files, layer by layer. */
export function WeightErrors({ chosen }: { chosen: WeightsChoice }): ReactNode {
  const { choices, errors, comparing } = useStudio((state) => state.quantise);
  const key = weightsKey(chosen);
  const found = errors[key];
  useEffect(() => void compareWeights(), [choices, key]);
  return (
    <section aria-labelledby="weight-errors">
      <h3 id="weight-errors" className={styles.title}>
        What rounding changes, by layer
      </h3>
      {found ? (
        <Findings errors={found} usual={usualError(chosen.name)} />
      ) : comparing.busy ? (
        <div className={styles.work}>
          <WorkProgress progress={comparing.progress} fallback="Comparing weights" />
          <Button size="small" onClick={() => void stopQuantising('compare')}>
            Stop<span className="visually-hidden"> comparing weights</span>
          </Button>
        </div>
      ) : (
        <div className={styles.work}>
          {comparing.error && <ErrorNotice error={comparing.error} />}
          <Button size="small" onClick={() => void compareWeights()}>
            Compare weights
          </Button>
        </div>
      )}
    </section>
  );
}

function Findings({ errors, usual }: { errors: readonly WeightError[]; usual: number }): ReactNode {
  const worst = worstError(errors);
  if (!worst) return null;
  const stacks = layerStacks(errors);
  const highest = Math.max(...stacks.flatMap(({ layers }) => layers.map(({ mean }) => mean)));
  return (
    <>
      <p className={styles.text}>
        Weights move by <strong>{formatShare(meanError(errors))}</strong> of their size on average, the most in{' '}
        <strong>{placeOf(worst)}</strong>: {formatShare(worst.relativeError)}, on a sample of their rows. About{' '}
        {formatShare(usual)} is usual; what it costs the model is measured below.
      </p>
      {stacks.map((stack) => (
        <Bars key={stack.name} stack={stack} highest={highest} worst={worst} />
      ))}
    </>
  );
}

/** in rem */
const widestBar = 3.5;

interface BarsProps {
  readonly stack: LayerStack;
  /** error that fills the height; 0 where no weight moves */
  readonly highest: number;
  readonly worst: WeightError;
}

function Bars({ stack: { name, layers }, highest, worst }: BarsProps): ReactNode {
  const first = layers[0];
  const last = layers.at(-1);
  return (
    <figure className={styles.figure} style={{ maxWidth: `${layers.length * widestBar}rem` }}>
      {name && <figcaption className={styles.caption}>{name}</figcaption>}
      <ol className={styles.bars} aria-label={name ? `Error by layer of the ${name}` : 'Error by layer'}>
        {layers.map((layer) => {
          const text = `Layer ${layer.number}: ${formatShare(layer.mean)}, the most in ${placeOf(layer.worst)} with ${formatShare(layer.worst.relativeError)}`;
          return (
            <li key={layer.number} className={styles.slot} title={text}>
              <span
                className={classes(styles.bar, layer.worst === worst && styles.worst)}
                style={{ height: `${highest > 0 ? (layer.mean / highest) * 100 : 0}%` }}
              />
              <span className="visually-hidden">{text}</span>
            </li>
          );
        })}
      </ol>
      <p className={styles.axis} aria-hidden="true">
        <span>layer {first?.number}</span>
        {last !== first && <span>layer {last?.number}</span>}
      </p>
    </figure>
  );
}
