import { UserError } from '../formats/errors.ts';
import { Graph } from '../graph/graph.ts';
import { sizeOf, type Tensor } from '../graph/tensor.ts';
import { ModelBuilder } from '../models/builder.ts';
import type { Traced } from '../models/runtime.ts';
import type { LossModel } from './traceLoss.ts';

/** What some linears read alike. */
export interface LinearInput {
  readonly paths: readonly string[];
  /** [batch · tokens, width], or the same numbers under another shape */
  readonly tensor: Tensor;
  readonly width: number;
}

/**
 * Traces the body of the untouched model with what these linears read as outputs. Throws a UserError for a linear that is not in the body,
 * or reads something else than each token. Inputs: those of traceLoss without labels.
 */
export function traceLinearInputs(
  model: LossModel,
  shape: { readonly batch: number; readonly tokens: number },
  modules: ReadonlySet<string>,
): Traced & { readonly inputs: readonly LinearInput[] } {
  const graph = new Graph();
  const found = new Map<Tensor, string[]>();
  const builder = new ModelBuilder({
    graph,
    ...model,
    adapter: {
      linear: (_, site, x) => {
        const { path } = site.module;
        if (modules.has(path)) found.set(x, [...(found.get(x) ?? []), path]);
        return site.base(x);
      },
    },
    mode: { kind: 'forward' },
    isTraining: false,
    ...shape,
  });
  model.description.traceBody(builder, graph.input('ids', [shape.batch, shape.tokens], 'u32'));
  const inputs = [...found].map(([tensor, paths]) => ({ paths, tensor, width: tensor.shape.at(-1) ?? 1 }));
  const ofTokens = inputs.filter(({ tensor, width }) => sizeOf(tensor.shape) === shape.batch * shape.tokens * width);
  const read = new Set(ofTokens.flatMap(({ paths }) => paths));
  const missing = [...modules].find((path) => !read.has(path));
  if (missing !== undefined)
    throw new UserError(
      `init_lora_weights: eva starts from what a layer reads at each token, and ${missing} is outside the layers that read tokens. Leave it out of target_modules.`,
    );
  return { graph, inputs, outputs: inputs.map(({ tensor }) => tensor) };
}
