import type { ReactNode } from 'react';
import type { MemoryEstimate } from '../../engine/api.ts';
import { applyFields } from '../commands/method.ts';
import { Button } from '../components/Button.tsx';
import { classes } from '../components/classes.ts';
import { formatBytes } from '../logic/format.ts';
import styles from './MemoryBar.module.css';

const partNames: Readonly<Record<string, string>> = {
  weights: 'Weights',
  adapters: 'Adapter',
  gradients: 'Gradients',
  optimizer: 'Optimizer',
  activations: 'Activations',
  inputs: 'Inputs',
  staging: 'Staging',
  parameters: 'Kernel parameters',
};

const verdicts: Readonly<Record<MemoryEstimate['verdict'], string>> = {
  fits: 'Fits',
  tight: 'Tight',
  exceeds: 'Too large',
  unknown: 'Needs about',
};

/** What the run will take on the GPU, by what it is for, against what is thought to be there. */
export function MemoryBar({ estimate }: { estimate: MemoryEstimate }): ReactNode {
  const parts = Object.entries(estimate.bytes)
    .filter(([, bytes]) => bytes > 0)
    .sort(([, a], [, b]) => b - a);
  const whole = Math.max(estimate.total, estimate.available ?? 0, 1);
  const amount =
    estimate.available === null
      ? formatBytes(estimate.total)
      : `${formatBytes(estimate.total)} of about ${formatBytes(estimate.available)}`;
  return (
    <div className={styles.memory}>
      <p className={styles.line}>
        <span>GPU memory</span>
        <span className={classes(styles.verdict, styles[estimate.verdict])}>
          {verdicts[estimate.verdict]}
          {estimate.verdict === 'unknown' ? '' : ':'} {amount}
        </span>
      </p>
      <div className={styles.bar} aria-hidden="true">
        {parts.map(([name, bytes], index) => (
          <span
            key={name}
            style={{ width: `${(bytes / whole) * 100}%`, background: `var(--part-${Math.min(index + 1, 6)})` }}
          />
        ))}
      </div>
      <details className={styles.details}>
        <summary>By part</summary>
        <ul>
          {parts.map(([name, bytes], index) => (
            <li key={name}>
              <span className={styles.swatch} style={{ background: `var(--part-${Math.min(index + 1, 6)})` }} />
              <span>{partNames[name] ?? name}</span>
              <span className={styles.bytes}>{formatBytes(bytes)}</span>
            </li>
          ))}
        </ul>
      </details>
      {(estimate.verdict === 'tight' || estimate.verdict === 'exceeds') && <Remedies estimate={estimate} />}
    </div>
  );
}

function Remedies({ estimate }: { estimate: MemoryEstimate }): ReactNode {
  if (estimate.remedies.length === 0) return null;
  return (
    <ul className={styles.remedies} aria-label="Ways to need less memory">
      {estimate.remedies.map((remedy) => (
        <li key={remedy.label}>
          <Button size="small" className={styles.remedy} onClick={() => void applyFields(remedy.fields)}>
            <span>{remedy.label}</span>
            <span className={styles.saving}>{formatBytes(remedy.total)}</span>
          </Button>
        </li>
      ))}
    </ul>
  );
}
