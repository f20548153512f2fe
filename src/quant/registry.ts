import { bf16 } from './bf16.ts';
import { f16 } from './f16.ts';
import { f32 } from './f32.ts';
import type { FormatName, WeightFormat } from './format.ts';
import { q4_0 } from './q4_0.ts';
import { q4_1 } from './q4_1.ts';
import { q8_0 } from './q8_0.ts';

/** Every weight format that Graft computes with. */
export const weightFormats: Readonly<Record<FormatName, WeightFormat>> = { f32, f16, bf16, q8_0, q4_0, q4_1 };

/** True for a name in the registry; false for the other element types that a file may hold. */
export function isWeightFormat(name: string): name is FormatName {
  return Object.hasOwn(weightFormats, name);
}
