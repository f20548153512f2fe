import type { ReactNode } from 'react';
import type { ClassifyResult } from '../../../engine/api.ts';
import { formatNumber, formatShare } from '../../logic/format.ts';
import styles from './Classes.module.css';

/** What a classifier says: how likely each label is, the likeliest first; estimates; or a label for each token. */
export function Classes({ result }: { result: ClassifyResult }): ReactNode {
  if (result.tokens.length > 0) return <LabelledTokens tokens={result.tokens} />;
  const isEstimate = result.problemType === 'regression';
  const scores = isEstimate ? result.scores : [...result.scores].sort((a, b) => b.value - a.value);
  return (
    <ul className={styles.list}>
      {scores.map(({ label, value }, index) => (
        <li key={label} className={index === 0 && !isEstimate ? styles.first : styles.item}>
          <span className={styles.label}>{label}</span>
          {!isEstimate && (
            <span className={styles.bar} aria-hidden="true">
              <span style={{ width: `${value * 100}%` }} />
            </span>
          )}
          <span className={styles.value}>
            {isEstimate ? formatNumber(Number(value.toPrecision(4))) : formatShare(value)}
          </span>
        </li>
      ))}
    </ul>
  );
}

const colours = 6;

function colourOf(index: number): string {
  return `var(--part-${(index % colours) + 1})`;
}

function LabelledTokens({ tokens }: Pick<ClassifyResult, 'tokens'>): ReactNode {
  const labels = [...new Set(tokens.flatMap(({ label }) => label ?? []))];
  return (
    <p className={styles.tokens}>
      {tokens.map(({ text, label, probability }, index) =>
        label === undefined ? null : (
          <span
            key={index}
            className={styles.token}
            style={{ borderColor: colourOf(labels.indexOf(label)) }}
            title={`${label}, ${formatShare(probability)}`}
          >
            {text}
            <span className={styles.tag}>{label}</span>
          </span>
        ),
      )}
    </p>
  );
}
