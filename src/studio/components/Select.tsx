import type { ReactNode } from 'react';
import styles from './Select.module.css';

interface Props<Value extends string> {
  readonly id?: string;
  /** where no label element names it */
  readonly label?: string;
  readonly value: Value;
  readonly options: readonly { readonly value: Value; readonly label: string }[];
  readonly disabled?: boolean;
  readonly onChange: (value: Value) => void;
}

export function Select<Value extends string>({
  id,
  label,
  value,
  options,
  disabled,
  onChange,
}: Props<Value>): ReactNode {
  return (
    <select
      id={id}
      className={styles.select}
      aria-label={label}
      value={value}
      disabled={disabled}
      onChange={(event) => onChange(event.target.value as Value)}
    >
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}
