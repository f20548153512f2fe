import { describe, expect, it } from 'vitest';
import { attachTo } from '../../tests/peft/gradients.ts';
import { modelSizes, type ModelSize } from '../../tests/peft/modelSizes.ts';
import { sizeOf } from '../graph/tensor.ts';
import { describeModel } from '../models/registry.ts';
import { trainedParameters } from './parameters.ts';
import { methodOf } from './registry.ts';
import { readFields } from './schema.ts';

const models: readonly ModelSize[] = [
  ...(['gpt2', 'SmolLM2-135M', 'Qwen2.5-0.5B', 'Qwen2.5-7B', 'Llama-2-7B'] as const),
  ...(['Llama-3-8B', 'bloom-560m', 'bert-base', 'bert-large', 'ViT-B/16'] as const),
];

const allOfVit = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'fc1', 'fc2'];

/** What peft 0.21.2 counts, in the order of `models`; BERT's and ViT's heads are among them. A message: refused, as PEFT does. */
const counted: readonly [
  label: string,
  peftType: string,
  fields: Readonly<Record<string, unknown>>,
  counts: readonly (number | RegExp)[],
][] = [
  ['LoRA', 'LORA', {}, [294912, 460800, 540672, 2523136, 4194304, 3407872, 786432, 296450, 788482, 302602]],
  [
    'LoRA on all linears',
    'LORA',
    { r: 16, target_modules: 'all-linear' },
    [2359296, 4884480, 8798208, 40370176, 39976960, 41943040, 6291456, 2680322, 7112706, 2661898],
  ],
  [
    'DoRA',
    'LORA',
    { use_dora: true },
    [322560, 483840, 565248, 2637824, 4456448, 3571712, 860160, 314882, 837634, 321034],
  ],
  [
    'DoRA on all linears',
    'LORA',
    { r: 16, use_dora: true, target_modules: 'all-linear' },
    [2442240, 5040000, 9102336, 41760768, 41336832, 43319296, 6512640, 2764034, 7334914, 2744842],
  ],
  [
    'AdaLoRA',
    'ADALORA',
    { total_step: 1000 },
    [442512, 691920, 811584, 3785376, 6292224, 5112576, 1179936, 444194, 1182274, 450346],
  ],
  ['(IA)³', 'IA3', {}, [64512, 57600, 141312, 645120, 614400, 524288, 172032, 66050, 174082, 62986]],
  ['VeRA', 'VERA', {}, [30720, 38400, 36864, 129024, 278528, 180224, 79872, 26114, 63490, 32266]],
  ['LoHa', 'LOHA', {}, [/Conv1D/, 921600, 1081344, 5046272, 8388608, 6815744, 1572864, 591362, 1574914, 597514]],
  ['LoKr', 'LOKR', {}, [/Conv1D/, 47040, 45696, 163072, 327680, 253952, 55296, 27650, 75778, 33802]],
  [
    'Prompt tuning',
    'PROMPT_TUNING',
    { num_virtual_tokens: 20 },
    [15360, 11520, 17920, 71680, 81920, 81920, 20480, 16898, 22530, /images/],
  ],
  [
    'P-tuning',
    'P_TUNING',
    { num_virtual_tokens: 20, encoder_hidden_size: 128 },
    [229376, 176192, 264832, 1009408, 1151232, 1151232, 300288, 230914, 302338, /images/],
  ],
  [
    'Prefix tuning',
    'PREFIX_TUNING',
    { num_virtual_tokens: 20 },
    [368640, 230400, 122880, 573440, 5242880, 1310720, 983040, 370178, 985090, /images/],
  ],
  [
    'Prefix tuning with a projection',
    'PREFIX_TUNING',
    { num_virtual_tokens: 20, prefix_projection: true, encoder_hidden_size: 512 },
    [9864704, 6012416, 3220480, 14981632, 136659456, 34165248, 25760256, 9866242, 25762306, /images/],
  ],
  ['BitFit', 'BITFIT', {}, [102144, /bias/, 27648, 129024, /bias/, /bias/, 272384, 102914, 272386, 110602]],
  [
    'Pfeiffer',
    'PFEIFFER',
    {},
    [894528, 1262520, 2431296, 45064320, 67248128, 67248128, 3171840, 896066, 3173890, 902218],
  ],
  [
    'Houlsby',
    'HOULSBY',
    {},
    [1789056, 2525040, 4862592, 90128640, 134496256, 134496256, 6343680, 1790594, 6345730, 1796746],
  ],
  ['LoRA-XS', 'LORA_XS', { r: 16 }, [3072, 15360, 12288, 14336, 16384, 16384, 6144, 7682, 14338, 13834]],
  ['EDoRA', 'EDORA', { r: 16 }, [30720, 38400, 36864, 129024, 278528, 180224, 79872, 26114, 63490, 32266]],
];

/** The same of t5-small, flan-t5-base and mt5-small; of a prefix with the width of a layer's keys for token_dim, as mT5 needs it. */
const countedOfT5: readonly [peftType: string, fields: Readonly<Record<string, unknown>>, counts: readonly number[]][] =
  [
    ['LORA', {}, [294912, 884736, 344064]],
    ['LORA', { r: 16, target_modules: 'all-linear' }, [2162688, 6782976, 2555904]],
    ['LORA', { use_dora: true }, [313344, 940032, 362496]],
    ['ADALORA', {}, [1623168, 3467232, 1918656]],
    ['IA3', {}, [43008, 104448, 34816]],
    ['VERA', {}, [27648, 73728, 30720]],
    ['LOHA', {}, [589824, 1769472, 688128]],
    ['LOKR', {}, [27648, 78336, 33792]],
    ['OFT', {}, [285696, 857088, 380928]],
    ['BOFT', {}, [92160, 276480, 116736]],
    ['HRA', {}, [147456, 442368, 196608]],
    ['MISS', {}, [1179648, 3538944, 1179648]],
    ['DELORA', {}, [294948, 884808, 344112]],
    ['ROAD', {}, [18432, 55296, 18432]],
    ['FOURIERFT', {}, [36000, 72000, 48000]],
    ['LN_TUNING', {}, [16384, 47616, 21504]],
    ['BEFT', {}, [9216, 27648, 9216]],
    ['PROMPT_TUNING', {}, [20480, 30720, 20480]],
    ['P_TUNING', { encoder_hidden_size: 128 }, [168704, 244736, 168704]],
    ['PREFIX_TUNING', {}, [122880, 368640, 122880]],
    ['PREFIX_TUNING', { prefix_projection: true, encoder_hidden_size: 512 }, [3424768, 9864704, 3356672]],
    // without files that hold a head apart, Transformers 5 ties it whatever config.json says
    ['FULL', {}, [60506624, 222903552, 172119424]],
  ];

describe('trainable parameters are as many as PEFT counts', () => {
  it.each(counted)('%s', (_, peftType, given, counts) => {
    const method = methodOf(peftType);
    models.forEach((name, i) => {
      const description = describeModel(modelSizes[name]);
      // PEFT has neither targets nor a head to train for ViT by itself
      const named = given['target_modules'] ? { ...given, target_modules: allOfVit } : given;
      const all = description.image ? { ...named, modules_to_save: ['classifier'] } : given;
      const known = Object.entries(all).filter(([key]) => method.fields.some((field) => field.name === key));
      const count = () => {
        const fields = readFields(method.fields, Object.fromEntries(known));
        const facts = { description, baseModelName: null, taskType: description.task };
        return trainedParameters(method.attach(fields, facts).parameters).reduce(
          (sum, { shape }) => sum + sizeOf(shape),
          0,
        );
      };
      const expected = counts[i];
      if (typeof expected === 'number') expect(count(), name).toBe(expected);
      else expect(count, name).toThrow(expected);
    });
  });
});

describe('of models of an encoder and a decoder, too', () => {
  it.each(countedOfT5)('%s %o', (peftType, given, counts) => {
    const count = (name: ModelSize) =>
      trainedParameters(
        attachTo(describeModel(modelSizes[name]), { peft_type: peftType, ...given }, 'SEQ_2_SEQ_LM', 1000).parameters,
      ).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    expect((['t5-small', 'flan-t5-base', 'mt5-small'] as const).map(count)).toEqual(counts);
  });
});
