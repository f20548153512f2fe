import type { ReactNode } from 'react';
import type { FieldDescription } from '../../../engine/api.ts';
import type { Settings } from '../../logic/settings.ts';
import { defaultOf, methodOf, valueOf } from '../../logic/settings.ts';
import { Field } from './Field.tsx';
import styles from './FieldGrid.module.css';

interface Props {
  readonly fields: readonly FieldDescription[];
  readonly settings: Settings;
  /** the field that the engine refuses */
  readonly faulty: string | undefined;
  readonly onChange: (field: FieldDescription, value: unknown) => void;
}

/** The plain fields in sight, the advanced ones folded; a folded field that was changed or is wrong opens the fold. */
export function FieldGrid({ fields, settings, faulty, onChange }: Props): ReactNode {
  const plain = fields.filter((field) => !field.advanced);
  const advanced = fields.filter((field) => field.advanced);
  const changed = advanced.filter((field) => field.name in settings.overrides).length;
  const grid = (some: readonly FieldDescription[]): ReactNode => (
    <div className={styles.grid}>
      {some.map((field) => (
        <Field
          key={field.name}
          field={field}
          value={valueOf(field, settings)}
          standard={defaultOf(field, methodOf(settings))}
          isChanged={field.name in settings.overrides}
          isFaulty={field.name === faulty}
          onChange={(value) => onChange(field, value)}
        />
      ))}
    </div>
  );
  return (
    <>
      {grid(plain)}
      {advanced.length > 0 && (
        <details className={styles.advanced} open={advanced.some((field) => field.name === faulty) || undefined}>
          <summary>
            Advanced{' '}
            <span className={styles.count}>{changed > 0 ? `${changed} changed` : `${advanced.length} more`}</span>
          </summary>
          {grid(advanced)}
        </details>
      )}
    </>
  );
}
