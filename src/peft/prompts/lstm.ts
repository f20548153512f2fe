import type { Graph } from '../../graph/graph.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { HookTrace } from '../../models/hooks.ts';
import type { ParameterSpec } from '../method.ts';

/** The parameters of one direction of one layer; the gates i, f, g, o lie behind one another. */
interface Direction {
  readonly isReverse: boolean;
  /** [4 · hiddenSize, in] */
  readonly inputWeight: ParameterSpec;
  /** [4 · hiddenSize, hiddenSize] */
  readonly hiddenWeight: ParameterSpec;
  readonly inputBias: ParameterSpec;
  readonly hiddenBias: ParameterSpec;
}

/** torch.nn.LSTM, bidirectional. */
export interface Lstm {
  readonly hiddenSize: number;
  /** of each layer's output but the last's, in training */
  readonly dropout: number;
  readonly layers: readonly (readonly Direction[])[];
}

/** Named as in PyTorch's state: NAME.weight_ih_l0, NAME.weight_ih_l0_reverse … All start at U(±1/√hiddenSize). */
export function lstmOf(
  name: string,
  { inputSize, hiddenSize, numLayers, dropout }: Record<'inputSize' | 'hiddenSize' | 'numLayers' | 'dropout', number>,
): Lstm {
  const initial = { kind: 'uniform', bound: 1 / Math.sqrt(hiddenSize) } as const;
  const direction = (layer: number, isReverse: boolean): Direction => {
    const spec = (kind: string, shape: readonly number[]): ParameterSpec => ({
      name: `${name}.${kind}_l${layer}${isReverse ? '_reverse' : ''}`,
      shape,
      initial,
      isInFile: false,
    });
    return {
      isReverse,
      inputWeight: spec('weight_ih', [4 * hiddenSize, layer === 0 ? inputSize : 2 * hiddenSize]),
      hiddenWeight: spec('weight_hh', [4 * hiddenSize, hiddenSize]),
      inputBias: spec('bias_ih', [4 * hiddenSize]),
      hiddenBias: spec('bias_hh', [4 * hiddenSize]),
    };
  };
  const layers = Array.from({ length: numLayers }, (_, layer) => [direction(layer, false), direction(layer, true)]);
  return { hiddenSize, dropout, layers };
}

export function lstmParameters({ layers }: Lstm): ParameterSpec[] {
  return layers
    .flat()
    .flatMap(({ inputWeight, hiddenWeight, inputBias, hiddenBias }) => [
      inputWeight,
      hiddenWeight,
      inputBias,
      hiddenBias,
    ]);
}

/** x [tokens, in] → [tokens, 2 · hiddenSize]: unrolled, for the few virtual tokens of a prompt. */
export function traceLstm({ graph, isTraining }: HookTrace, { layers, hiddenSize, dropout }: Lstm, x: Tensor): Tensor {
  return layers.reduce((input, directions, layer) => {
    const isDropped = isTraining && dropout > 0 && layer > 0;
    const given = isDropped ? graph.one('dropout', [input], { probability: dropout, site: layer }) : input;
    const outputs = directions.map((direction) => traceDirection(graph, direction, hiddenSize, given));
    return graph.one('concat', outputs, { axis: 1 });
  }, x);
}

/** c ← σ(f) ∘ c + σ(i) ∘ tanh(g), h ← σ(o) ∘ tanh(c), from zeros, one row after the other. */
function traceDirection(graph: Graph, direction: Direction, hiddenSize: number, x: Tensor): Tensor {
  const parameter = ({ name, shape }: ParameterSpec) => graph.parameter(name, shape);
  const [rows = 0] = x.shape;
  const operands = [x, parameter(direction.inputWeight), undefined, parameter(direction.inputBias)];
  const ofInput = graph.one('matmul', operands, { layout: 'nt' });
  const projected = graph.one('binary', [ofInput, parameter(direction.hiddenBias)], { operator: 'add' });
  const part = (gates: Tensor, index: number) =>
    graph.one('slice', [gates], { axis: 1, start: index * hiddenSize, size: hiddenSize });
  const unary = (operator: string, value: Tensor) => graph.one('unary', [value], { operator });
  const times = (a: Tensor, b: Tensor) => graph.one('binary', [a, b], { operator: 'mul' });
  const outputs: Tensor[] = [];
  let state: { readonly cell: Tensor; readonly hidden: Tensor } | undefined;
  for (let step = 0; step < rows; step++) {
    const row = direction.isReverse ? rows - 1 - step : step;
    const own = graph.one('slice', [projected], { axis: 0, start: row, size: 1 });
    const gates = state
      ? graph.one('matmul', [state.hidden, parameter(direction.hiddenWeight), own], { layout: 'nt' })
      : own;
    const open = unary('sigmoid', gates);
    const fresh = times(part(open, 0), unary('tanh', part(gates, 2)));
    const cell = state ? graph.one('binary', [times(part(open, 1), state.cell), fresh], { operator: 'add' }) : fresh;
    const hidden = times(part(open, 3), unary('tanh', cell));
    outputs[row] = hidden;
    state = { cell, hidden };
  }
  return graph.one('concat', outputs, { axis: 0 });
}
