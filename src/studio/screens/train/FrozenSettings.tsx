import type { ReactNode } from 'react';
import type { RunFields } from '../../../engine/api.ts';
import { valueText } from '../../logic/values.ts';
import fold from './PhaseList.module.css';
import styles from './FrozenSettings.module.css';

/** The settings this run was started with; the form may have moved on since. */
export function FrozenSettings({ fields }: { fields: RunFields }): ReactNode {
  const entries = Object.entries(fields).sort(([a], [b]) => a.localeCompare(b));
  if (entries.length === 0) return null;
  return (
    <details className={fold.fold}>
      <summary>Settings of this run</summary>
      <dl className={styles.list}>
        {entries.map(([name, value]) => (
          <div key={name} className={styles.item}>
            <dt>{name}</dt>
            <dd>{valueText(value)}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
