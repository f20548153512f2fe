import { describe, it } from 'vitest';
import { checkMethodGradients } from '../../tests/peft/gradients.ts';

describe('gradients agree with finite differences', () => {
  it('of LoRA on linears and the embedding, with dropout', () => {
    checkMethodGradients({
      peft_type: 'LORA',
      r: 2,
      target_modules: ['q_proj', 'down_proj', 'embed_tokens'],
      lora_dropout: 0.3,
    });
  });
});
