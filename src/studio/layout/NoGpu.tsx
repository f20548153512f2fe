import Cpu from 'lucide-react/icons/cpu';
import type { ReactNode } from 'react';
import type { GpuReport } from '../../engine/api.ts';
import { noGpuAdvice } from '../logic/noGpu.ts';
import styles from './NoGpu.module.css';

/** In place of the screens that compute: why they cannot, and what would change that. */
export function NoGpu({ gpu }: { gpu: GpuReport }): ReactNode {
  const { cause, steps } = noGpuAdvice({
    isSecure: isSecureContext,
    hasWebGpu: 'gpu' in navigator,
    userAgent: navigator.userAgent,
  });
  return (
    <div className={styles.page}>
      <div className={styles.icon} aria-hidden="true">
        <Cpu />
      </div>
      <h1 tabIndex={-1}>Graft found no GPU to train on</h1>
      <p className={styles.cause}>{cause}</p>
      <h2>What to do</h2>
      <ol className={styles.steps}>
        {steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      {gpu.reasons.length > 0 && (
        <details className={styles.details}>
          <summary>What the engine reports</summary>
          {gpu.reasons.map((reason) => (
            <p key={reason}>{reason}</p>
          ))}
        </details>
      )}
      <p className={styles.library}>
        The <a href="#/library">Library</a> stays open: adapters that were trained in this browser can be downloaded
        there.
      </p>
    </div>
  );
}
