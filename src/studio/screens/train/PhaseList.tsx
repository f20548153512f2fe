import Check from 'lucide-react/icons/check';
import LoaderCircle from 'lucide-react/icons/loader-circle';
import type { ReactNode } from 'react';
import { ProgressBar, phaseName, progressAmount } from '../../components/Progress.tsx';
import { useNow } from '../../components/useNow.ts';
import type { PhaseTiming } from '../../logic/runProgress.ts';
import styles from './PhaseList.module.css';

/** What the preparation does, with ticks and seconds, so that nothing looks hung. */
export function PhaseList({ phases, open = false }: { phases: readonly PhaseTiming[]; open?: boolean }): ReactNode {
  return (
    <details className={styles.fold} open={open || undefined}>
      <summary>Preparation</summary>
      <ol className={styles.list}>
        {phases.map((timing) => (
          <Phase key={timing.progress.phase} timing={timing} />
        ))}
        {phases.length === 0 && <li className={styles.phase}>Asking the engine to begin…</li>}
      </ol>
    </details>
  );
}

function Phase({ timing }: { timing: PhaseTiming }): ReactNode {
  const now = useNow(250);
  const { progress, startedAt, endedAt } = timing;
  const seconds = Math.max(0, ((endedAt ?? now) - startedAt) / 1000);
  const running = endedAt === undefined;
  return (
    <li className={styles.phase}>
      {running ? (
        <LoaderCircle className={styles.turning} aria-label="under way" />
      ) : (
        <Check className={styles.done} aria-label="done" />
      )}
      <span className={styles.name}>{phaseName(progress.phase)}</span>
      <span className={styles.amount}>{progressAmount(progress)}</span>
      <span className={styles.seconds}>{seconds.toFixed(1)} s</span>
      {running && progress.total > 0 && (
        <span className={styles.bar}>
          <ProgressBar label={phaseName(progress.phase)} share={Math.min(1, progress.done / progress.total)} />
        </span>
      )}
    </li>
  );
}
