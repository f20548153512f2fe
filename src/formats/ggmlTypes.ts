/** GGML's tensor types by their number in a GGUF file (ggml.h, enum ggml_type), and which of them Graft reads. */
import type { BlockFormatName } from '../quant/format.ts';

const supported: ReadonlyMap<number, BlockFormatName> = new Map([
  [0, 'f32'],
  [1, 'f16'],
  [2, 'q4_0'],
  [3, 'q4_1'],
  [6, 'q5_0'],
  [7, 'q5_1'],
  [8, 'q8_0'],
  [10, 'q2_k'],
  [11, 'q3_k'],
  [12, 'q4_k'],
  [13, 'q5_k'],
  [14, 'q6_k'],
  [30, 'bf16'],
]);

/** the index is the type's number; '' is a number that was given up */
// prettier-ignore
const names = [
  'F32', 'F16', 'Q4_0', 'Q4_1', '', '', 'Q5_0', 'Q5_1', 'Q8_0', 'Q8_1',
  'Q2_K', 'Q3_K', 'Q4_K', 'Q5_K', 'Q6_K', 'Q8_K', 'IQ2_XXS', 'IQ2_XS', 'IQ3_XXS', 'IQ1_S',
  'IQ4_NL', 'IQ3_S', 'IQ2_S', 'IQ4_XS', 'I8', 'I16', 'I32', 'I64', 'F64', 'IQ1_M',
  'BF16', '', '', '', 'TQ1_0', 'TQ2_0', '', '', '', 'MXFP4',
];

/** The weight format of a type number, or undefined where Graft does not read it. */
export function formatOfGgmlType(type: number): BlockFormatName | undefined {
  return supported.get(type);
}

/** The type number of a weight format. */
export function ggmlTypeOf(format: BlockFormatName): number {
  for (const [type, name] of supported) if (name === format) return type;
  throw new Error(`GGUF has no type ${format}`);
}

/** What people call the type, e.g. `Q4_K`. */
export function ggmlTypeName(type: number): string {
  return names[type] || `number ${type}`;
}

/** For messages: the types that Graft reads. */
export const supportedGgmlTypes = [...supported.keys()].map(ggmlTypeName).join(', ');
