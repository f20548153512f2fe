import CircleAlert from 'lucide-react/icons/circle-alert';
import Info from 'lucide-react/icons/info';
import TriangleAlert from 'lucide-react/icons/triangle-alert';
import type { ReactNode } from 'react';
import type { EngineError } from '../../engine/api.ts';
import { errorTitle } from '../logic/errors.ts';
import { classes } from './classes.ts';
import styles from './Notice.module.css';

type Tone = 'info' | 'warn' | 'bad';
const icons = { info: Info, warn: TriangleAlert, bad: CircleAlert } as const;

interface Props {
  readonly tone: Tone;
  readonly title?: string;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
}

export function Notice({ tone, title, children, actions }: Props): ReactNode {
  const Icon = icons[tone];
  return (
    <div className={classes(styles.notice, styles[tone])} role={tone === 'bad' ? 'alert' : undefined}>
      <Icon className={styles.icon} aria-hidden="true" />
      <div className={styles.words}>
        {title && <p className={styles.title}>{title}</p>}
        {children && <div className={styles.text}>{children}</div>}
        {actions && <div className={styles.actions}>{actions}</div>}
      </div>
    </div>
  );
}

interface ErrorProps {
  readonly error: EngineError;
  readonly actions?: ReactNode;
  readonly children?: ReactNode;
}

/** What went wrong, in the engine's own words under a title that says which kind of trouble it is. */
export function ErrorNotice({ error, actions, children }: ErrorProps): ReactNode {
  return (
    <Notice tone="bad" title={errorTitle(error.code)} actions={actions}>
      <p>{error.message}</p>
      {children}
    </Notice>
  );
}
