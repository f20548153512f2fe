import type { ModuleInfo } from '../../models/family.ts';
import type { ParameterSpec } from '../method.ts';

/** A linear that AdaLoRA changes: A [r, in], B [out, r], E [r, 1]. */
export interface Site {
  readonly module: ModuleInfo;
  readonly a: ParameterSpec;
  readonly b: ParameterSpec;
  readonly e: ParameterSpec;
  /** keys this module's dropout masks */
  readonly index: number;
}
