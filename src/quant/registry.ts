import { bf16 } from './bf16.ts';
import { codebookFormats } from './codebook.ts';
import { f16 } from './f16.ts';
import { f32 } from './f32.ts';
import type {
  BlockFormat,
  BlockFormatName,
  FormatName,
  PackedFormat,
  PackedFormatName,
  WeightFormat,
} from './format.ts';
import { groupedFormat, groupedLabel, groupingOf } from './grouped.ts';
import { int8 } from './int8.ts';
import { q2_k } from './q2_k.ts';
import { q3_k } from './q3_k.ts';
import { q4_0 } from './q4_0.ts';
import { q4_1 } from './q4_1.ts';
import { q4_k, q5_k } from './q4_k.ts';
import { q5_0, q5_1 } from './q5.ts';
import { q6_k } from './q6_k.ts';
import { q8_0 } from './q8_0.ts';

/** Every format that a file holds row by row. */
export const weightFormats: Readonly<Record<BlockFormatName, BlockFormat>> = {
  f32,
  f16,
  bf16,
  q8_0,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
};

/** True for a name of a format that a file holds row by row; false for the other element types that a file may hold. */
export function isWeightFormat(name: string): name is BlockFormatName {
  return Object.hasOwn(weightFormats, name);
}

const namedPacked: Readonly<Record<string, PackedFormat>> = { ...codebookFormats, int8 };
const groupedFormats = new Map<string, PackedFormat>();

/** A format that is put together while it is loaded. */
export function packedFormat(name: PackedFormatName): PackedFormat {
  const known = namedPacked[name] ?? groupedFormats.get(name);
  if (known) return known;
  const grouping = groupingOf(name);
  if (!grouping) throw new Error(`there is no weight format ${name}`);
  const format = groupedFormat(grouping);
  groupedFormats.set(name, format);
  return format;
}

/** Any format that Graft computes with. */
export function formatOf(name: FormatName): WeightFormat {
  return isWeightFormat(name) ? weightFormats[name] : packedFormat(name);
}

const packedLabels: Readonly<Record<string, string>> = {
  nf4: 'NF4',
  nf4_nested: 'NF4, double quantised',
  fp4: 'FP4',
  fp4_nested: 'FP4, double quantised',
  int8: 'INT8',
};

/** What people call a format: "Q4_K", "NF4, double quantised", "GPTQ 3-bit, groups of 128". For messages and figures, never a file. */
export function formatLabel(name: FormatName): string {
  const grouping = groupingOf(name);
  return grouping ? groupedLabel(grouping) : (packedLabels[name.replace('_unaligned', '')] ?? name.toUpperCase());
}
