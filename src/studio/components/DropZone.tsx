import { useState } from 'react';
import type { DragEvent, ReactNode } from 'react';
import type { ModelFile } from '../../engine/api.ts';
import { filesOfDrop } from '../files.ts';
import { classes } from './classes.ts';
import styles from './DropZone.module.css';

interface Props {
  readonly title: string;
  readonly hint: string;
  readonly icon: ReactNode;
  readonly compact?: boolean;
  /** buttons over file inputs, for those who do not drag */
  readonly children: ReactNode;
  readonly onFiles: (files: ModelFile[]) => void;
}

export function DropZone({ title, hint, icon, compact = false, children, onFiles }: Props): ReactNode {
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    void filesOfDrop(event.dataTransfer).then(onFiles);
  };
  return (
    <div
      className={classes(styles.zone, compact && styles.compact, over && styles.over)}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={drop}
    >
      <div className={styles.icon} aria-hidden="true">
        {icon}
      </div>
      <div className={styles.words}>
        <p className={styles.title}>{over ? 'Let go to open it' : title}</p>
        <p className={styles.hint}>{hint}</p>
      </div>
      <div className={styles.actions}>{children}</div>
    </div>
  );
}
