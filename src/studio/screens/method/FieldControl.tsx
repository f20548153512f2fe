import type { ReactNode } from 'react';
import type { FieldDescription } from '../../../engine/api.ts';
import input from '../../components/Input.module.css';
import { NumberInput } from '../../components/NumberInput.tsx';
import { Switch } from '../../components/Switch.tsx';
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
          onChange={(event) => onChange(event.target.value)}
        >
          {field.choices?.map((choice) => (
            <option key={choice} value={choice}>
              {choiceText(choice)}
            </option>
          ))}
        </select>
      );
    case 'modules':
      return <ModulePicker label={field.label} value={value} onChange={onChange} />;
    case 'text':
    case 'pattern':
      return (
        <input
          id={id}
          type="text"
          className={input.input}
          autoComplete="off"
          spellCheck={false}
          aria-describedby={helpId}
          placeholder="automatic"
          value={typeof value === 'string' ? value : ''}
          onChange={(event) => onChange(event.target.value === '' ? field.default : event.target.value)}
        />
      );
  }
}
