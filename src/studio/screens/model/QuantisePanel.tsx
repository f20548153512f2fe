import type { ReactNode } from 'react';
import type { ModelCard, PricedWeights, WeightsChoice } from '../../../engine/api.ts';
import { chooseWeights } from '../../commands/quantise.ts';
import { classes } from '../../components/classes.ts';
import { Notice } from '../../components/Notice.tsx';
import { Panel } from '../../components/Panel.tsx';
import { Switch } from '../../components/Switch.tsx';
import { formatBytes, formatShare } from '../../logic/format.ts';
import { isActive } from '../../logic/readiness.ts';
import { composeFields } from '../../logic/settings.ts';
import {
  bytesOf,
  findWeights,
  offeredWeights,
  reasonOf,
  weightsKey,
  weightsOfFields,
  weightsText,
  whyNothing,
} from '../../logic/weightChoices.ts';
import { useStudio } from '../../state/store.ts';
import { KeepQuantised } from './KeepQuantised.tsx';
import { QualityTable } from './QualityTable.tsx';
import { WeightErrors } from './WeightErrors.tsx';
import styles from './QuantisePanel.module.css';

/** The frozen weights in fewer bits: what that saves, what it costs, and a copy of the model that is so already. */
export function QuantisePanel({ card }: { card: ModelCard }): ReactNode {
  const choices = useStudio((state) => state.quantise.choices);
  const method = useStudio((state) => state.method);
  const options = useStudio((state) => state.data.options);
  const isFrozen = useStudio((state) => isActive(state.run.status));
  const chosen = weightsOfFields(composeFields(method, options));
  const priced = findWeights(choices, chosen);
  if (choices.length === 0) return null;
  const refusal = whyNothing(choices);
  return (
    <Panel
      title="Weights in fewer bits"
      hint="They are frozen while an adapter is trained, so they may be rounded: more model in the same memory."
    >
      {refusal && (
        <div className={styles.refusal}>
          <Notice tone="info" title="It is trained on as it is">
            {refusal}
          </Notice>
        </div>
      )}
      <Choices
        card={card}
        choices={choices}
        chosen={chosen}
        disabled={isFrozen || refusal !== null}
        compact={refusal !== null}
      />
      {refusal === null && <EmbeddingsSwitch choices={choices} chosen={chosen} disabled={isFrozen} />}
      {priced && priced.name !== 'stored' && bytesOf(priced.memory) !== null && (
        <div className={styles.costs}>
          <WeightErrors chosen={chosen} />
          <QualityTable card={card} chosen={chosen} />
          <KeepQuantised card={card} priced={priced} />
        </div>
      )}
    </Panel>
  );
}

interface ChoicesProps {
  readonly card: ModelCard;
  readonly choices: readonly PricedWeights[];
  readonly chosen: WeightsChoice;
  readonly disabled: boolean;
  /** names alone: there is nothing to choose */
  readonly compact: boolean;
}

function Choices({ card, choices, chosen, disabled, compact }: ChoicesProps): ReactNode {
  const whole = bytesOf(choices.find(({ name }) => name === 'stored')?.memory) ?? 1;
  return (
    <fieldset className={classes(styles.choices, compact && styles.compact)} disabled={disabled}>
      <legend className="visually-hidden">How the weights are held on the GPU</legend>
      {offeredWeights(choices, chosen).map((offered) => (
        <Choice key={offered.name} card={card} offered={offered} whole={whole} chosen={chosen} disabled={disabled} />
      ))}
    </fieldset>
  );
}

interface ChoiceProps extends Omit<ChoicesProps, 'choices' | 'compact'> {
  readonly offered: PricedWeights;
  /** bytes of the weights as they are */
  readonly whole: number;
}

function Choice({ card, offered, whole, chosen, disabled }: ChoiceProps): ReactNode {
  const { title, summary } = weightsText(card, offered.name);
  const bytes = bytesOf(offered.memory);
  const reason = disabled ? null : reasonOf(offered.memory);
  return (
    <label className={classes(styles.choice, bytes === null && styles.refused)}>
      <input
        type="radio"
        name="weights"
        checked={weightsKey(offered) === weightsKey(chosen)}
        disabled={bytes === null}
        onChange={() => chooseWeights({ name: offered.name, embeddings: offered.embeddings })}
      />
      <span className={styles.words}>
        <span className={styles.title}>
          {title}
          {offered.name === 'nf4_nested' && bytes !== null && <span className={styles.badge}>Recommended</span>}
        </span>
        <span className={reason === null ? styles.summary : styles.reason}>{reason ?? summary}</span>
      </span>
      {bytes !== null && (
        <span className={styles.price}>
          <span className={styles.bytes}>
            {formatBytes(bytes)}
            {bytes < whole && <span className={styles.saving}>{formatShare(1 - bytes / whole)} less</span>}
          </span>
          <span className={styles.bar} aria-hidden="true">
            <span style={{ width: `${(bytes / whole) * 100}%` }} />
          </span>
        </span>
      )}
    </label>
  );
}

/** The outer weights, which stay as they are stored unless somebody wants them smaller. */
function EmbeddingsSwitch({ choices, chosen, disabled }: Omit<ChoicesProps, 'card' | 'compact'>): ReactNode {
  const isStored = chosen.name === 'stored';
  const [without, within] = [false, true].map((embeddings) => findWeights(choices, { ...chosen, embeddings }));
  const reason = reasonOf(within?.memory);
  const saved = (bytesOf(without?.memory) ?? 0) - (bytesOf(within?.memory) ?? 0);
  const hint = isStored
    ? 'Goes with 8 or 4 bits: the embedding and the head are otherwise left as they are stored.'
    : (reason ?? `Saves another ${formatBytes(saved)}. Otherwise they are left as they are stored.`);
  return (
    <div className={styles.embeddings}>
      <Switch
        label="Embedding and head in 8 bits, too"
        hint={hint}
        checked={!isStored && chosen.embeddings}
        disabled={disabled || isStored || (reason !== null && !chosen.embeddings)}
        onChange={(embeddings) => chooseWeights({ name: chosen.name, embeddings })}
      />
    </div>
  );
}
