import type { ReactNode } from 'react';
import { setDataOption } from '../../commands/data.ts';
import { NumberInput } from '../../components/NumberInput.tsx';
import { Segments } from '../../components/Segments.tsx';
import { formatCount, formatShare } from '../../logic/format.ts';
import { useStudio } from '../../state/store.ts';
import styles from './DataOptionsForm.module.css';

export function DataOptionsForm(): ReactNode {
  const options = useStudio((state) => state.data.options);
  const contextLength = useStudio((state) => state.model.card?.contextLength ?? 1_000_000);
  return (
    <div className={styles.form}>
      <div>
        <label className={styles.label} htmlFor="max-length">
          Maximum length
        </label>
        <NumberInput
          id="max-length"
          value={options.maxLength}
          kind="integer"
          minimum={8}
          maximum={contextLength}
          onChange={(value) => setDataOption('maxLength', value)}
        />
        <p className={styles.hint}>
          Tokens a row may have; the rest is cut. The model reads {formatCount(contextLength)} at most.
        </p>
      </div>
      <div>
        <p className={styles.label}>Learn from</p>
        <Segments
          label="Learn from"
          value={options.lossOn}
          options={[
            { value: 'replies', label: 'Replies only' },
            { value: 'all', label: 'Everything' },
          ]}
          onChange={(value) => setDataOption('lossOn', value)}
        />
      </div>
      <div>
        <label className={styles.label} htmlFor="split">
          Held out to evaluate: {formatShare(options.valSplitRatio)}
        </label>
        <input
          id="split"
          type="range"
          className={styles.range}
          min={0}
          max={0.5}
          step={0.01}
          value={options.valSplitRatio}
          onChange={(event) => setDataOption('valSplitRatio', event.target.valueAsNumber)}
        />
        <p className={styles.hint}>Rows the model never trains on. They show whether it learns or only memorises.</p>
      </div>
    </div>
  );
}
