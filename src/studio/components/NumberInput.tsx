import { useId, useState } from 'react';
import type { ReactNode } from 'react';
import { formatNumber } from '../logic/format.ts';
import { readNumber } from '../logic/numbers.ts';
import { classes } from './classes.ts';
import styles from './Input.module.css';

interface Props {
  readonly id?: string;
  readonly label?: string;
  /** null: empty, the engine chooses */
  readonly value: number | null;
  readonly kind: 'integer' | 'number';
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly describedBy?: string;
  readonly onChange: (value: number) => void;
}

/** Takes 0.0002 and 2e-4 alike. What cannot be taken stays as typed, says why, and changes nothing. */
export function NumberInput({ id, label, value, kind, minimum, maximum, describedBy, onChange }: Props): ReactNode {
  const [draft, setDraft] = useState<string | null>(null);
  const problemId = useId();
  const problem = draft === null ? undefined : readNumber(draft, kind, minimum, maximum).problem;
  const shown = draft ?? (value === null ? '' : formatNumber(value));
  const type = (text: string): void => {
    setDraft(text);
    const read = readNumber(text, kind, minimum, maximum);
    if (read.value !== undefined) onChange(read.value);
  };
  return (
    <>
      <input
        id={id}
        aria-label={label}
        type="text"
        inputMode={kind === 'integer' ? 'numeric' : 'decimal'}
        autoComplete="off"
        className={classes(styles.input, styles.number)}
        value={shown}
        placeholder={value === null ? 'automatic' : undefined}
        aria-invalid={problem !== undefined}
        aria-describedby={classes(problem !== undefined && problemId, describedBy) || undefined}
        onChange={(event) => type(event.target.value)}
        onBlur={() => problem === undefined && setDraft(null)}
      />
      {problem && (
        <p id={problemId} className={styles.problem}>
          {problem}
        </p>
      )}
    </>
  );
}
