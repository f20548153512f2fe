import type { ReactNode } from 'react';
import { formatNumber } from '../logic/format.ts';
import { readNumber } from '../logic/numbers.ts';
import { DraftInput } from './DraftInput.tsx';

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

/** Takes 0.0002 and 2e-4 alike. */
export function NumberInput({ id, label, value, kind, minimum, maximum, describedBy, onChange }: Props): ReactNode {
  return (
    <DraftInput
      id={id}
      label={label}
      text={value === null ? '' : formatNumber(value)}
      inputMode={kind === 'integer' ? 'numeric' : 'decimal'}
      placeholder={value === null ? 'automatic' : undefined}
      describedBy={describedBy}
      onText={(text) => {
        const read = readNumber(text, kind, minimum, maximum);
        if (read.value !== undefined) onChange(read.value);
        return read.problem;
      }}
    />
  );
}
