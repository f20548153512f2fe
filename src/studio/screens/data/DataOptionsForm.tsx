import FileUp from 'lucide-react/icons/file-up';
import type { ReactNode } from 'react';
import type { DataCard } from '../../../engine/api.ts';
import { openEvaluationFile, setDataOption } from '../../commands/data.ts';
import { Button } from '../../components/Button.tsx';
import { FileButton } from '../../components/FileButton.tsx';
import { NumberInput } from '../../components/NumberInput.tsx';
import { Segments } from '../../components/Segments.tsx';
import { formatCount, formatShare } from '../../logic/format.ts';
import { useStudio } from '../../state/store.ts';
import styles from './DataOptionsForm.module.css';

export function DataOptionsForm({ card }: { card: DataCard }): ReactNode {
  return (
    <div className={styles.form}>
      {card.taskType !== 'IMAGE_CLS' && <LongestRow />}
      {card.taskType === 'CAUSAL_LM' && <LossOn />}
      <Evaluation card={card} />
    </div>
  );
}

function LongestRow(): ReactNode {
  const maxLength = useStudio((state) => state.data.options.maxLength);
  const contextLength = useStudio((state) => state.model.card?.contextLength ?? 1_000_000);
  return (
    <div>
      <label className={styles.label} htmlFor="max-length">
        Maximum length
      </label>
      <NumberInput
        id="max-length"
        value={maxLength}
        kind="integer"
        minimum={8}
        maximum={contextLength}
        onChange={(value) => setDataOption('maxLength', value)}
      />
      <p className={styles.hint}>
        Tokens a row may have; the rest is cut. The model reads {formatCount(contextLength)} at most.
      </p>
    </div>
  );
}

function LossOn(): ReactNode {
  const lossOn = useStudio((state) => state.data.options.lossOn);
  return (
    <div>
      <p className={styles.label}>Learn from</p>
      <Segments
        label="Learn from"
        value={lossOn}
        options={[
          { value: 'replies', label: 'Replies only' },
          { value: 'all', label: 'Everything' },
        ]}
        onChange={(value) => setDataOption('lossOn', value)}
      />
    </div>
  );
}

/** Rows to measure with: a share of the file, or a file of their own. */
function Evaluation({ card }: { card: DataCard }): ReactNode {
  const share = useStudio((state) => state.data.options.valSplitRatio);
  const hasFile = card.evalName !== undefined;
  const readsImages = card.taskType === 'IMAGE_CLS';
  return (
    <div>
      <label className={styles.label} htmlFor="split">
        Held out to evaluate: {hasFile ? 'nothing' : formatShare(share)}
      </label>
      <input
        id="split"
        type="range"
        className={styles.range}
        min={0}
        max={0.5}
        step={0.01}
        disabled={hasFile}
        value={hasFile ? 0 : share}
        onChange={(event) => setDataOption('valSplitRatio', event.target.valueAsNumber)}
      />
      <p className={styles.hint}>
        {hasFile
          ? `Those of ${card.evalName} are measured, and all others are trained on.`
          : 'What the model never trains on. It shows whether it learns or only memorises.'}
      </p>
      <div className={styles.file}>
        {hasFile ? (
          <Button size="small" onClick={() => void openEvaluationFile([])}>
            Hold out a share instead
          </Button>
        ) : (
          <FileButton
            size="small"
            label={readsImages ? 'Choose an evaluation folder' : 'Choose an evaluation file'}
            folder={readsImages}
            icon={<FileUp />}
            multiple={false}
            onFiles={(files) => files.length > 0 && void openEvaluationFile(files)}
          />
        )}
      </div>
    </div>
  );
}
