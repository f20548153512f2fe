import ArrowRight from 'lucide-react/icons/arrow-right';
import type { ReactNode } from 'react';
import { goTo } from '../routing.ts';
import type { Screen } from '../routing.ts';
import { useReadiness } from '../state/selectors.ts';
import { Button } from './Button.tsx';
import styles from './NextStep.module.css';

/** The end of a finished screen: on to the next one. */
export function NextStep({ next, label }: { next: Screen; label: string }): ReactNode {
  const ready = useReadiness().action.kind === 'start';
  return (
    <footer className={styles.next}>
      <p>{ready ? 'Everything is set: press Start training, or look around first.' : 'This part is done.'}</p>
      <Button onClick={() => goTo(next)}>
        {label}
        <ArrowRight />
      </Button>
    </footer>
  );
}
