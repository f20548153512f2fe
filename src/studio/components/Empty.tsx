import type { ReactNode } from 'react';
import styles from './Empty.module.css';

interface Props {
  readonly icon: ReactNode;
  readonly title: string;
  readonly children: ReactNode;
  readonly action?: ReactNode;
}

/** A place that has nothing to show yet: why, and what would fill it. */
export function Empty({ icon, title, children, action }: Props): ReactNode {
  return (
    <div className={styles.empty}>
      <div className={styles.icon} aria-hidden="true">
        {icon}
      </div>
      <p className={styles.title}>{title}</p>
      <p className={styles.text}>{children}</p>
      {action}
    </div>
  );
}
