import type { ReactNode } from 'react';
import type { FieldDescription } from '../../../engine/api.ts';
import { DraftInput } from '../../components/DraftInput.tsx';
import input from '../../components/Input.module.css';
import { NumberInput } from '../../components/NumberInput.tsx';
import { Switch } from '../../components/Switch.tsx';
import { fieldText, readFieldText } from '../../logic/fieldText.ts';
import { choiceText } from '../../logic/values.ts';
import { ModulePicker } from './ModulePicker.tsx';

interface Props {
  readonly id: string;
  readonly helpId: string;
  readonly field: FieldDescription;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}

/** The control that fits the field's kind. */
export function FieldControl({ id, helpId, field, value, onChange }: Props): ReactNode {
  switch (field.kind) {
    case 'integer':
    case 'number':
      return (
        <NumberInput
          id={id}
          kind={field.kind}
          value={typeof value === 'number' ? value : null}
          minimum={field.minimum}
          maximum={field.maximum}
          describedBy={helpId}
          onChange={onChange}
        />
      );
    case 'boolean':
      return <Switch id={id} label={value === true ? 'On' : 'Off'} checked={value === true} onChange={onChange} />;
    case 'choice':
      return (
        <select
          id={id}
          className={input.input}
          aria-describedby={helpId}
          value={String(value ?? '')}
          onChange={({ target }) => onChange(target.value === String(field.default) ? field.default : target.value)}
        >
          {field.choices?.map((choice) => (
            <option key={choice} value={choice}>
              {choiceText(choice)}
            </option>
          ))}
        </select>
      );
    case 'modules':
      // The tree is for the modules that a method is about; lists of exceptions are typed.
      return field.advanced ? (
        <TextControl id={id} helpId={helpId} field={field} value={value} onChange={onChange} />
      ) : (
        <ModulePicker label={field.label} value={value} onChange={onChange} />
      );
    case 'text':
    case 'pattern':
      return <TextControl id={id} helpId={helpId} field={field} value={value} onChange={onChange} />;
  }
}

function TextControl({ id, helpId, field, value, onChange }: Props): ReactNode {
  return (
    <DraftInput
      id={id}
      text={fieldText(field, value)}
      placeholder="none"
      describedBy={helpId}
      onText={(text) => {
        const read = readFieldText(field, text);
        if (read.problem === undefined) onChange(read.value);
        return read.problem;
      }}
    />
  );
}
