import { useId } from 'react';
import type { ReactNode } from 'react';
import type { CombinationDescription } from '../../../engine/api.ts';
import input from '../../components/Input.module.css';
import { NumberInput } from '../../components/NumberInput.tsx';
import { Segments } from '../../components/Segments.tsx';
import type { BlendForm } from '../../logic/blending.ts';
import styles from './Workshop.module.css';

interface Props {
  readonly combinations: readonly CombinationDescription[];
  readonly combination: CombinationDescription | undefined;
  readonly form: BlendForm;
  readonly onChoose: (name: string) => void;
  readonly onChange: (change: Partial<BlendForm>) => void;
}

/** How the adapters are put together; only what the chosen way asks for is in sight. */
export function BlendSettings({ combinations, combination, form, onChoose, onChange }: Props): ReactNode {
  const helpId = useId();
  return (
    <>
      <label className={styles.field}>
        Combination
        <select
          className={input.input}
          value={combination?.name}
          aria-describedby={helpId}
          onChange={({ target }) => onChoose(target.value)}
        >
          {combinations.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <p id={helpId} className={styles.help}>
        {combination?.help}
      </p>
      {combination?.needsDensity && (
        <label className={styles.field}>
          Density
          <NumberInput
            label="Density: share of the values that is kept"
            kind="number"
            minimum={0.01}
            maximum={1}
            value={form.density}
            onChange={(density) => onChange({ density })}
          />
        </label>
      )}
      {combination?.electsSign && (
        <Segments
          label="How the sign is elected"
          value={form.majoritySignMethod}
          options={[
            { value: 'total', label: 'Sign by size' },
            { value: 'frequency', label: 'Sign by count' },
          ]}
          onChange={(majoritySignMethod) => onChange({ majoritySignMethod })}
        />
      )}
      {combination?.rank === 'chosen' && (
        <label className={styles.field}>
          Rank
          <NumberInput
            label="Rank of the blend"
            kind="integer"
            minimum={1}
            value={form.svdRank}
            onChange={(svdRank) => onChange({ svdRank })}
          />
        </label>
      )}
      {combination?.isRandom && (
        <label className={styles.field}>
          Seed
          <NumberInput
            label="Seed"
            kind="integer"
            minimum={0}
            value={form.seed}
            onChange={(seed) => onChange({ seed })}
          />
        </label>
      )}
      <label className={styles.field}>
        Name
        <input
          type="text"
          className={input.input}
          placeholder="of what it is made"
          value={form.name}
          onChange={({ target }) => onChange({ name: target.value })}
        />
      </label>
    </>
  );
}
