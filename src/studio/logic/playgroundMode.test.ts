import { describe, expect, it } from 'vitest';
import { hasBothModes, playgroundMode } from './playgroundMode.ts';

const llama = { tasks: ['CAUSAL_LM', 'SEQ_CLS', 'TOKEN_CLS'] } as const;
const bert = { tasks: ['SEQ_CLS', 'TOKEN_CLS'] } as const;

describe('what the Playground asks for', () => {
  it('follows the task of the open data, then the model', () => {
    expect(playgroundMode(null, llama, null)).toBe('write');
    expect(playgroundMode(null, llama, { taskType: 'SEQ_CLS' })).toBe('classify');
    expect(playgroundMode(null, bert, { taskType: 'CAUSAL_LM' })).toBe('classify');
    expect(playgroundMode(null, null, null)).toBe('write');
  });

  it('is chosen where the model can do both', () => {
    expect([hasBothModes(llama), hasBothModes(bert), hasBothModes(null)]).toEqual([true, false, false]);
    expect(playgroundMode('classify', llama, null)).toBe('classify');
    expect(playgroundMode('write', bert, null)).toBe('classify');
  });
});
