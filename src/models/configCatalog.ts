import type { FormatName } from '../quant/format.ts';
import { BLOCK } from '../quant/codes.ts';
import { groupedName, type GroupedBits } from '../quant/grouped.ts';
import { quantisedFormat } from '../quant/quantise.ts';
import type { WeightCatalog } from './builder.ts';
import { neededShapes } from './checkpoint.ts';
import type { ModelDescription } from './family.ts';
import { awqGroupSize, gptqSettings, quantisationWithin, type QuantisationConfig } from './quantisationConfig.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * What the weights of a model will be, from its config alone: floats of its dtype, and linears as they are quantised. Throws a UserError
 * that names a setting that Graft does not read.
 * @param quantisation what config.json says, unless a file of its own does
 */
export function catalogFromConfig(
  config: Json,
  description: ModelDescription,
  quantisation = quantisationWithin(config),
): WeightCatalog {
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
  return new Map(
    [...neededShapes(description)].map(([name, shape]) => {
      const format = quantisation && linears.has(name) ? quantisedAs(quantisation, name, shape.at(-1) ?? 1) : undefined;
      return [name, { shape, format: format ?? float }];
    }),
  );
}

/** @param weight name of a linear's weight, of that many columns */
function quantisedAs(quantisation: QuantisationConfig, weight: string, columns: number): FormatName | undefined {
  const { method, fields } = quantisation;
  const module = weight.replace(/\.weight$/, '');
  switch (method) {
    case 'bitsandbytes': {
      if (fields.load_in_8bit === true) return 'int8';
      const kind = fields.bnb_4bit_quant_type === 'nf4' ? 'nf4' : 'fp4';
      return quantisedFormat({ kind, doubleQuant: fields.bnb_4bit_use_double_quant === true }, columns);
    }
    case 'gptq': {
      const { bits, groupSize } = gptqSettings(quantisation, module);
      return grouped(bits, groupSize, columns, fields.desc_act === true);
    }
    case 'awq':
      return grouped(4, awqGroupSize(quantisation, module), columns, false);
    default:
      return undefined;
  }
}

/** As gptqTensor and awqTensor find it in the weights: columns of one group need no index, those of groups that are no whole blocks do. */
function grouped(bits: GroupedBits, groupSize: number, columns: number, isActOrder: boolean): FormatName {
  const size = groupSize > 0 ? groupSize : columns;
  return groupedName({ bits, size, isIndexed: size % BLOCK !== 0 || (isActOrder && size < columns) });
}
