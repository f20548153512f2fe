import { useId } from 'react';
import type { ReactNode } from 'react';
import styles from './Switch.module.css';

interface Props {
  /** given where a label elsewhere names the switch; its own words then say only on or off */
  readonly id?: string;
  readonly label: string;
  readonly hint?: string;
  readonly checked: boolean;
  readonly disabled?: boolean;
  readonly onChange: (checked: boolean) => void;
}

export function Switch({ id, label, hint, checked, disabled, onChange }: Props): ReactNode {
  const ownId = useId();
  const named = id !== undefined;
  return (
    <div className={styles.row}>
      <input
        id={id ?? ownId}
        type="checkbox"
        role="switch"
        className={styles.input}
        checked={checked}
        disabled={disabled}
        aria-describedby={hint ? `${ownId}-hint` : undefined}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span className={styles.track} aria-hidden="true" />
      <span className={styles.words}>
        {named ? (
          <span aria-hidden="true">{label}</span>
        ) : (
          <label className={styles.label} htmlFor={ownId}>
            {label}
          </label>
        )}
        {hint && (
          <span id={`${ownId}-hint`} className={styles.hint}>
            {hint}
          </span>
        )}
      </span>
    </div>
  );
}
