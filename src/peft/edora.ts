import { lowRankFields, magnitudeFields } from './lora/fields.ts';
import { attachLatent, mergeLatent } from './lora/latent.ts';
import type { Method } from './method.ts';

const fields = [...lowRankFields, ...magnitudeFields];

/** EDoRA: see lora/latent.ts. Its file is a DoRA. */
export const edora: Method = {
  peftType: 'EDORA',
  filedAs: 'LORA',
  name: 'EDoRA',
  summary:
    'LoRA-XS with a trained magnitude for each output, as in DoRA. Choose it where DoRA learns well and its adapter is still too large; the file loads as DoRA.',
  group: 'lora',
  learningRate: 1e-3,
  fields,
  attach: (given, model) => attachLatent('EDORA', fields, true, given, model),
  readConfig: (config) => ({ ...config }),
  merge: mergeLatent,
};
