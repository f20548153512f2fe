import { describe, it } from 'vitest';
import { checkMethodGradients } from '../../tests/peft/gradients.ts';

const targets = { target_modules: ['q_proj', 'down_proj'] };

describe('MiSS and DeLoRA have the gradients that differences give', () => {
  it.each([
    { peft_type: 'MISS', r: 4 },
    { peft_type: 'MISS', r: 2, mini_r: 2, init_weights: 'mini' },
    { peft_type: 'DELORA', r: 2, delora_lambda: 3 },
  ])('%o', (fields) => checkMethodGradients({ ...targets, ...fields }));
});
