import type { ReactNode } from 'react';
import type { MethodFit } from '../../../engine/api.ts';
import { chooseMethod } from '../../commands/method.ts';
import { classes } from '../../components/classes.ts';
import { formatBytes, formatNumber, formatRatio, formatShare } from '../../logic/format.ts';
import type { FoundMethod } from '../../logic/methodGroups.ts';
import { runKey } from '../../commands/methodFits.ts';
import { useStudio } from '../../state/store.ts';
import styles from './MethodCards.module.css';

interface Props {
  readonly found: readonly FoundMethod[];
  /** peft_type */
  readonly recommended: string;
}

export function MethodCards({ found, recommended }: Props): ReactNode {
  const peftType = useStudio((state) => state.method.peftType);
  return (
    <fieldset className={styles.cards}>
      <legend className="visually-hidden">Method</legend>
      <div className={styles.grid}>
        {found.map((one) => (
          <MethodChoice
            key={one.method.peftType}
            found={one}
            checked={one.method.peftType === peftType}
            isRecommended={one.method.peftType === recommended}
          />
        ))}
      </div>
    </fieldset>
  );
}

interface ChoiceProps {
  readonly found: FoundMethod;
  readonly checked: boolean;
  readonly isRecommended: boolean;
}

function MethodChoice({ found: { method, setting }, checked, isRecommended }: ChoiceProps): ReactNode {
  const { peftType, name, summary, learningRate } = method;
  const fit = useStudio((state) => state.method.fits.find((one) => one.peftType === peftType));
  const refused = fit?.reason !== undefined && fit.setting === undefined;
  return (
    <label className={classes(styles.card, refused && styles.refused)}>
      <input
        type="radio"
        name="method"
        className={styles.radio}
        checked={checked}
        disabled={refused && !checked}
        onChange={() => chooseMethod(peftType)}
      />
      <span className={styles.head}>
        <span className={styles.name}>{name}</span>
        {isRecommended && <span className={styles.badge}>Recommended</span>}
        {setting && <span className={styles.found}>has the setting {setting.label}</span>}
      </span>
      <span className={styles.summary}>{summary}</span>
      {fit?.reason !== undefined && (
        <span className={styles.reason}>
          {refused ? 'Not on this model: ' : 'Wants a setting: '}
          {fit.reason}
        </span>
      )}
      <span className={styles.facts}>
        <span>learning rate {formatNumber(learningRate)}</span>
        {fit && fit.reason === undefined && <Sizes fit={fit} />}
      </span>
    </label>
  );
}

/** What the method takes with its usual settings. */
function Sizes({ fit: { peftType, trainableParameters, adapterBytes } }: { fit: MethodFit }): ReactNode {
  const parameters = useStudio((state) => state.model.card?.parameters ?? 0);
  const memory = useStudio(({ method }) => (method.memoryKey === runKey() ? method.memory[peftType] : undefined));
  return (
    <>
      {parameters > 0 && <span>trains {formatShare(trainableParameters / parameters)}</span>}
      <span>file {formatBytes(adapterBytes)}</span>
      {memory !== undefined && peftType !== 'LORA' && <span>memory {formatRatio(memory)} LoRA</span>}
    </>
  );
}
