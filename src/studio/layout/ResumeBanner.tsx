import RotateCw from 'lucide-react/icons/rotate-cw';
import X from 'lucide-react/icons/x';
import type { ReactNode } from 'react';
import { dismissInterruptedRun, resumeRun } from '../commands/run.ts';
import { Button, IconButton } from '../components/Button.tsx';
import { useNow } from '../components/useNow.ts';
import { formatAgo, formatCount } from '../logic/format.ts';
import { isActive } from '../logic/readiness.ts';
import { useStudio } from '../state/store.ts';
import styles from './ResumeBanner.module.css';

/** After a reload or a crash: the way back into the run that was cut off. */
export function ResumeBanner(): ReactNode {
  const { interrupted, status } = useStudio((state) => state.run);
  const now = useNow(10_000);
  if (!interrupted || isActive(status)) return null;
  const saved = interrupted.checkpointAt === undefined ? '' : ` (saved ${formatAgo(interrupted.checkpointAt, now)})`;
  return (
    <section className={styles.banner} aria-label="Interrupted run">
      <p className={styles.text}>
        <strong>{interrupted.name} was cut off.</strong> Its model and its progress are still here.
      </p>
      <Button look="primary" size="small" icon={<RotateCw />} onClick={() => void resumeRun(interrupted)}>
        Resume from step {formatCount(interrupted.checkpointStep ?? 0)}
        {saved}
      </Button>
      <IconButton label="Not now" onClick={dismissInterruptedRun}>
        <X />
      </IconButton>
    </section>
  );
}
