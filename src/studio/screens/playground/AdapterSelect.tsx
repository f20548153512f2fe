import type { ReactNode } from 'react';
import { tryAdapter } from '../../commands/playground.ts';
import { useStudio } from '../../state/store.ts';
import styles from './AdapterSelect.module.css';

export function AdapterSelect(): ReactNode {
  const adapters = useStudio((state) => state.library.adapters);
  const adapterId = useStudio((state) => state.playground.adapterId);
  if (adapters.length === 0) return 'no adapter yet';
  return (
    <select
      className={styles.select}
      aria-label="Adapter"
      value={adapterId ?? ''}
      onChange={(event) => tryAdapter(event.target.value)}
    >
      {adapters.map((adapter) => (
        <option key={adapter.id} value={adapter.id}>
          {adapter.name}
        </option>
      ))}
    </select>
  );
}
