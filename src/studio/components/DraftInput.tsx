import { useId, useState } from 'react';
import type { ReactNode } from 'react';
import { classes } from './classes.ts';
import styles from './Input.module.css';

interface Props {
  readonly id?: string | undefined;
  readonly label?: string | undefined;
  /** the value in force, as text */
  readonly text: string;
  readonly inputMode?: 'numeric' | 'decimal';
  readonly placeholder?: string | undefined;
  readonly describedBy?: string | undefined;
  /** takes the text, or says in one sentence why not */
  readonly onText: (text: string) => string | undefined;
}

/** A line of text that must be understood. What cannot be taken stays as typed, says why, and changes nothing. */
export function DraftInput({ id, label, text, inputMode, placeholder, describedBy, onText }: Props): ReactNode {
  const [draft, setDraft] = useState<{ text: string; problem: string | undefined } | null>(null);
  const problemId = useId();
  const problem = draft?.problem;
  return (
    <>
      <input
        id={id}
        aria-label={label}
        type="text"
        inputMode={inputMode}
        autoComplete="off"
        spellCheck={false}
        className={classes(styles.input, inputMode && styles.number)}
        value={draft?.text ?? text}
        placeholder={placeholder}
        aria-invalid={problem !== undefined}
        aria-describedby={classes(problem !== undefined && problemId, describedBy) || undefined}
        onChange={(event) => setDraft({ text: event.target.value, problem: onText(event.target.value) })}
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
