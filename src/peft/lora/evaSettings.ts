import { UserError } from '../../formats/errors.ts';
import type { MethodFields } from '../method.ts';

/** PEFT's EvaConfig. */
export interface EvaSettings {
  readonly rho: number;
  readonly tau: number;
  readonly use_label_mask: boolean;
  readonly label_mask_value: number;
  readonly whiten: boolean;
  readonly adjust_scaling_factors: boolean;
}

const usual: EvaSettings = {
  rho: 2,
  tau: 0.99,
  use_label_mask: true,
  label_mask_value: -100,
  whiten: false,
  adjust_scaling_factors: true,
};

/** The settings with PEFT's for those left out. Throws a UserError that names the one that is wrong. */
export function evaSettings(fields: MethodFields): EvaSettings {
  const given = (fields['eva_config'] ?? {}) as Readonly<Record<string, unknown>>;
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(usual, name))
      throw new UserError(`eva_config: ${name} is unknown. It has ${Object.keys(usual).join(', ')}.`);
    const type = typeof usual[name as keyof EvaSettings];
    if (typeof value !== type)
      throw new UserError(
        `eva_config: ${name}: ${JSON.stringify(value)} does not work; it must be ${type === 'number' ? 'a number' : 'true or false'}.`,
      );
  }
  const settings = { ...usual, ...given };
  if (!(settings.rho >= 1 && settings.rho <= 1000))
    throw new UserError(
      `eva_config: rho: ${settings.rho} does not work; the most rank of a layer is rho times r: give a number from 1 to 1000.`,
    );
  if (!(settings.tau >= 0 && settings.tau <= 1))
    throw new UserError(`eva_config: tau: ${settings.tau} does not work; give a number from 0 to 1, such as 0.99.`);
  if (settings.label_mask_value !== usual.label_mask_value)
    throw new UserError(`eva_config: label_mask_value: rows are masked with −100 here. Leave it out.`);
  return settings;
}
