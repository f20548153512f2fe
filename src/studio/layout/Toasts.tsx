import X from 'lucide-react/icons/x';
import type { ReactNode } from 'react';
import { dismissToast } from '../commands/engine.ts';
import { IconButton } from '../components/Button.tsx';
import { classes } from '../components/classes.ts';
import { useStudio } from '../state/store.ts';
import styles from './Toasts.module.css';

export function Toasts(): ReactNode {
  const toasts = useStudio((state) => state.machine.toasts);
  return (
    <div className={styles.stack} role="status">
      {toasts.map((toast) => (
        <div key={toast.id} className={classes(styles.toast, toast.isError && styles.error)}>
          <p>{toast.text}</p>
          <IconButton label="Dismiss" onClick={() => dismissToast(toast.id)}>
            <X />
          </IconButton>
        </div>
      ))}
    </div>
  );
}
