import type { ReactNode } from 'react';
import type { Progress } from '../../engine/api.ts';
import { formatBytes, formatCount } from '../logic/format.ts';
import styles from './Progress.module.css';

interface BarProps {
  readonly label: string;
  /** 0 to 1; null while it is not known */
  readonly share: number | null;
}

export function ProgressBar({ label, share }: BarProps): ReactNode {
  return (
    <div
      className={styles.track}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={share === null ? undefined : Math.round(share * 100)}
    >
      <div
        className={share === null ? styles.wandering : styles.fill}
        style={share === null ? undefined : { width: `${share * 100}%` }}
      />
    </div>
  );
}

const phaseNames: Readonly<Record<Progress['phase'], string>> = {
  read: 'Reading',
  tokenize: 'Cutting rows into tokens',
  upload: 'Moving weights to the GPU',
  compile: 'Compiling kernels',
  store: 'Keeping a copy',
  'first-step': 'Taking the first step',
  export: 'Writing the adapter',
  start: 'Finding what the adapter starts from',
  quantise: 'Quantising into the library',
  compare: 'Comparing weights',
  measure: 'Measuring held-out rows',
};

export function phaseName(phase: Progress['phase']): string {
  return phaseNames[phase];
}

/** '12 of 37 kernels', '1.2 of 2.4 GB' */
export function progressAmount({ done, total, unit }: Progress): string {
  const write = unit === 'bytes' ? formatBytes : formatCount;
  const noun = unit === 'bytes' ? '' : ` ${unit}`;
  return total > 0 ? `${write(done)} of ${write(total)}${noun}` : done > 0 ? `${write(done)}${noun}` : '';
}

/** The progress of something the engine does now; before its first word only that it is under way. */
export function WorkProgress({ progress, fallback }: { progress: Progress | null; fallback: string }): ReactNode {
  const label = progress ? phaseName(progress.phase) : fallback;
  const share = progress && progress.total > 0 ? Math.min(1, progress.done / progress.total) : null;
  return (
    <div className={styles.work} role="status">
      <div className={styles.row}>
        <span>{label}</span>
        <span className={styles.amount}>{progress ? progressAmount(progress) : ''}</span>
      </div>
      <ProgressBar label={label} share={share} />
    </div>
  );
}
