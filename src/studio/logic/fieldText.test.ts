import { describe, expect, it } from 'vitest';
import type { FieldDescription } from '../../engine/api.ts';
import { fieldText, readFieldText } from './fieldText.ts';

const field = (kind: FieldDescription['kind'], fallback: unknown): FieldDescription => ({
  name: 'x',
  label: 'X',
  help: '',
  kind,
  default: fallback,
  advanced: true,
});

describe('readFieldText', () => {
  it.each([
    [field('modules', null), 'lm_head, embed_tokens', ['lm_head', 'embed_tokens']],
    [field('modules', null), '.*layers\\.(0|1).*q_proj', '.*layers\\.(0|1).*q_proj'],
    [field('pattern', {}), 'q_proj: 16, v_proj: 4', { q_proj: 16, v_proj: 4 }],
    [field('text', null), '0, 3', [0, 3]],
    [field('text', ''), 'free words, with a comma', 'free words, with a comma'],
  ])('reads what it wrote (%#)', (description, text, value) => {
    expect(readFieldText(description, text)).toEqual({ value });
    expect(fieldText(description, value)).toBe(text);
  });

  it('takes nothing for the default', () => {
    expect(readFieldText(field('pattern', {}), ' ')).toEqual({ value: {} });
    expect(readFieldText(field('modules', null), '')).toEqual({ value: null });
  });

  it('says how to type it', () => {
    expect(readFieldText(field('text', null), 'first').problem).toMatch(/0, 1, 2/);
    expect(readFieldText(field('pattern', {}), 'q_proj').problem).toMatch(/q_proj: 16/);
    expect(readFieldText(field('pattern', {}), 'q_proj:').problem).toMatch(/q_proj: 16/);
  });
});
