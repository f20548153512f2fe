import type { FormatName } from '../quant/format.ts';
import { groupedName, type GroupedBits } from '../quant/grouped.ts';
import { quantisedFormat } from '../quant/quantise.ts';
import type { WeightCatalog } from './builder.ts';
import { neededShapes } from './checkpoint.ts';
import type { ModelDescription } from './family.ts';

type Json = Readonly<Record<string, unknown>>;

/** What the weights of a model will be, from its config alone: floats of its dtype, and linears as its quantization_config has them. */
export function catalogFromConfig(config: Json, description: ModelDescription): WeightCatalog {
  const dtype = String(config['dtype'] ?? config['torch_dtype'] ?? 'float32');
  const float = dtype === 'bfloat16' ? 'bf16' : dtype === 'float16' ? 'f16' : 'f32';
  const { headPath, keptInFloats } = description;
  const linears = new Set(
    description.modules
      .filter(
        ({ kind, path }) => kind === 'linear' && path !== headPath && !(keptInFloats && path.endsWith(keptInFloats)),
      )
      .map(({ path }) => `${path}.weight`),
  );
  const quantisation = config['quantization_config'] as Json | null | undefined;
  return new Map(
    [...neededShapes(description)].map(([name, shape]) => {
      const format = quantisation && linears.has(name) ? quantisedAs(quantisation, shape.at(-1) ?? 1) : undefined;
      return [name, { shape, format: format ?? float }];
    }),
  );
}

function quantisedAs(settings: Json, columns: number): FormatName | undefined {
  switch (settings['quant_method']) {
    case 'bitsandbytes': {
      if (settings['load_in_8bit'] === true) return 'int8';
      const kind = settings['bnb_4bit_quant_type'] === 'nf4' ? 'nf4' : 'fp4';
      return quantisedFormat({ kind, doubleQuant: settings['bnb_4bit_use_double_quant'] === true }, columns);
    }
    case 'gptq':
    case 'awq': {
      const size = Number(settings['group_size'] ?? -1);
      const isIndexed = settings['desc_act'] === true;
      return groupedName({ bits: Number(settings['bits']) as GroupedBits, size: size > 0 ? size : columns, isIndexed });
    }
    default:
      return undefined;
  }
}
