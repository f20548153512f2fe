import Sprout from 'lucide-react/icons/sprout';
import type { ReactNode } from 'react';
import { openSample } from '../../commands/model.ts';
import { Button } from '../../components/Button.tsx';
import styles from './SampleCard.module.css';

/** The shortest way to a falling loss. */
export function SampleCard({ busy }: { busy: boolean }): ReactNode {
  return (
    <section className={styles.card} aria-labelledby="sample-title">
      <p className={styles.kicker}>New here?</p>
      <h2 id="sample-title" className={styles.title}>
        See it work in a minute
      </h2>
      <p className={styles.text}>
        The sample brings a tiny model, forty short chats that teach it to talk like a pirate, and settings that work.
        You only press Start.
      </p>
      <Button look="primary" size="large" icon={<Sprout />} disabled={busy} onClick={() => void openSample()}>
        Try the sample
      </Button>
    </section>
  );
}
