import RotateCcw from 'lucide-react/icons/rotate-ccw';
import { useId } from 'react';
import type { ReactNode } from 'react';
import type { FieldDescription } from '../../../engine/api.ts';
import { IconButton } from '../../components/Button.tsx';
import { classes } from '../../components/classes.ts';
import { valueText } from '../../logic/values.ts';
import { FieldControl } from './FieldControl.tsx';
import styles from './Field.module.css';

interface Props {
  readonly field: FieldDescription;
  readonly value: unknown;
  readonly standard: unknown;
  readonly isChanged: boolean;
  readonly isFaulty: boolean;
  readonly onChange: (value: unknown) => void;
}

/** One setting: its name, its key in the run file, its control, and one sentence. */
export function Field({ field, value, standard, isChanged, isFaulty, onChange }: Props): ReactNode {
  const id = useId();
  const helpId = `${id}-help`;
  const labelId = `${id}-label`;
  const wide = field.kind === 'modules' && !field.advanced;
  return (
    <div className={classes(styles.field, wide && styles.wide, isFaulty && styles.faulty)}>
      <div className={styles.head}>
        {wide ? (
          <span id={labelId} className={styles.label}>
            {field.label}
          </span>
        ) : (
          <label id={labelId} className={styles.label} htmlFor={id}>
            {field.label}
          </label>
        )}
        {isChanged && (
          <IconButton
            label={`Reset to ${valueText(standard)}`}
            aria-describedby={labelId}
            className={styles.reset}
            onClick={() => onChange(standard)}
          >
            <RotateCcw />
          </IconButton>
        )}
      </div>
      <code className={styles.key}>{field.name}</code>
      <FieldControl id={id} helpId={helpId} field={field} value={value} onChange={onChange} />
      <p id={helpId} className={styles.help}>
        {field.help} {isChanged && <span className={styles.standard}>Default: {valueText(standard)}.</span>}
      </p>
    </div>
  );
}
