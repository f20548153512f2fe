import { useId } from 'react';
import type { ReactNode } from 'react';
import { classes } from './classes.ts';
import styles from './Panel.module.css';

interface Props {
  readonly title?: string;
  readonly hint?: ReactNode;
  readonly aside?: ReactNode;
  readonly flush?: boolean;
  readonly children: ReactNode;
}

/** A titled part of a screen. */
export function Panel({ title, hint, aside, flush = false, children }: Props): ReactNode {
  const id = useId();
  return (
    <section className={classes(styles.panel, flush && styles.flush)} aria-labelledby={title ? id : undefined}>
      {title && (
        <header className={styles.header}>
          <div>
            <h2 id={id}>{title}</h2>
            {hint && <p className={styles.hint}>{hint}</p>}
          </div>
          {aside && <div className={styles.aside}>{aside}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

interface ScreenProps {
  readonly title: string;
  readonly lead: ReactNode;
  readonly children: ReactNode;
}

/** Every screen begins with its title, which takes the focus when the screen changes, and one sentence. */
export function ScreenFrame({ title, lead, children }: ScreenProps): ReactNode {
  return (
    <div className={styles.screen}>
      <header className={styles.screenHeader}>
        <h1 tabIndex={-1}>{title}</h1>
        <p className={styles.lead}>{lead}</p>
      </header>
      {children}
    </div>
  );
}
