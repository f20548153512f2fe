import { UserError } from '../formats/errors.ts';
import { adalora } from './adalora.ts';
import { houlsby, parallel, pfeiffer } from './adapterhub/bottleneck.ts';
import { hybrid } from './adapterhub/hybrid.ts';
import { loreft } from './adapterhub/loreft.ts';
import { beft } from './beft.ts';
import { bitFit } from './bitFit.ts';
import { delora } from './delora.ts';
import { edora } from './edora.ts';
import { fullTuning } from './fullTuning.ts';
import { ia3 } from './ia3.ts';
import { lisa } from './lisa.ts';
import { lnTuning } from './lnTuning.ts';
import { loha } from './loha.ts';
import { lokr } from './lokr.ts';
import { lora } from './lora.ts';
import { loraXs } from './loraXs.ts';
import { oft } from './oft.ts';
import { boft } from './boft.ts';
import { hra } from './hra.ts';
import { fourierft } from './fourierft.ts';
import { road } from './road.ts';
import type { Method } from './method.ts';
import { miss } from './miss.ts';
import { nearest } from './nearest.ts';
import { pTuning } from './prompts/pTuning.ts';
import { prefixTuning, pTuningV2 } from './prompts/prefixTuning.ts';
import { promptTuning } from './prompts/promptTuning.ts';
import { trainableTokens } from './trainableTokens.ts';
import { vera } from './vera.ts';

/** Every method: the form, the YAML reader and the tests all read this list. Adding one is its file and a line here. */
export const methods: readonly Method[] = [
  lora,
  loraXs,
  edora,
  vera,
  delora,
  miss,
  ia3,
  adalora,
  houlsby,
  pfeiffer,
  parallel,
  loreft,
  hybrid,
  promptTuning,
  pTuning,
  prefixTuning,
  pTuningV2,
  loha,
  lokr,
  lnTuning,
  beft,
  bitFit,
  trainableTokens,
  fullTuning,
  lisa,
  oft,
  boft,
  hra,
  fourierft,
  road,
];

/**
 * The method of an adapter_config.json: by its peft_type, or of those that read a config without one the best.
 * @param preferred peft_type to take where several read it. Throws a UserError where none does.
 */
export function methodOfConfig(config: Readonly<Record<string, unknown>>, preferred?: unknown): Method {
  const named = methods.find(({ peftType }) => peftType === String(preferred).toUpperCase());
  if (config['peft_type'] !== undefined) {
    const filed = methodOf(config['peft_type']);
    return named?.filedAs === filed.peftType ? named : filed;
  }
  const fitting = methods
    .map((method) => ({ method, fit: method.fits?.(config) ?? 0 }))
    .filter(({ fit }) => fit > 0)
    .sort((a, b) => b.fit - a.fit);
  const [best] = fitting;
  if (best) return fitting.find(({ method }) => method === named)?.method ?? best.method;
  const architecture = (config['config'] as Readonly<Record<string, unknown>> | undefined)?.['architecture'];
  throw new UserError(
    `adapter_config.json is of AdapterHub's architecture "${String(architecture)}", which Graft does not read. It reads bottleneck adapters, LoReFT, LoRA and (IA)³.`,
  );
}

/** Throws a UserError that names what is there. */
export function methodOf(peftType: unknown): Method {
  const wanted = String(peftType).toUpperCase();
  const method = methods.find((candidate) => candidate.peftType === wanted);
  if (method) return method;
  const names = methods.map((candidate) => candidate.peftType);
  const suggestion = nearest(wanted, names);
  throw new UserError(
    `peft_type "${String(peftType)}" is not one of Graft's methods. ${suggestion ? `Did you mean ${suggestion}? ` : ''}There are ${names.join(', ')}.`,
  );
}
