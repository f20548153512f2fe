import { lowRankFields } from './lora/fields.ts';
import { attachLatent, mergeLatent } from './lora/latent.ts';
import type { Method } from './method.ts';

/** LoRA-XS: see lora/latent.ts. Its file is a plain LoRA. */
export const loraXs: Method = {
  peftType: 'LORA_XS',
  filedAs: 'LORA',
  name: 'LoRA-XS',
  summary:
    'Trains one small square matrix a layer between the largest directions of its weight, which stay as they are: rank² numbers whatever the width. Choose it for the fewest parameters in a file that loads as LoRA.',
  group: 'lora',
  learningRate: 1e-3,
  fields: lowRankFields,
  attach: (fields, model) => attachLatent('LORA_XS', lowRankFields, false, fields, model),
  readConfig: (config) => ({ ...config }),
  merge: mergeLatent,
};
