import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { HookTrace } from './hooks.ts';

/** Whether a method touches a position of a row; `length` is that of the row, or of the prompt that is answered. */
export type CoversPosition = (position: number, length: number) => boolean;

/** The positions that a method touches, by a name for each choice of them. */
export type PositionMasks = ReadonlyMap<string, CoversPosition>;

/** 1 where the position is touched, else 0: f32 [batch, tokens, 1], uploaded with the ids. */
export function positionMask(graph: Graph, { batch, tokens }: HookTrace, name: string): Tensor {
  return graph.reshape(graph.input(inputName(name), [batch * tokens], 'f32'), [batch, tokens, 1]);
}

/**
 * The uploads of a trace whose rows begin at position `start` and have `tokens` positions. What lies behind a row's end is not touched.
 * @param lengths of the rows, from position 0
 */
export function maskInputs(
  masks: PositionMasks | undefined,
  lengths: Iterable<number>,
  start: number,
  tokens: number,
): [string, Uint32Array<ArrayBuffer>][] {
  return [...(masks ?? [])].map(([name, covers]) => {
    const values = [...lengths].flatMap((length) =>
      Array.from({ length: tokens }, (_, i) => Number(start + i < length && covers(start + i, length))),
    );
    return [inputName(name), new Uint32Array(Float32Array.from(values).buffer)];
  });
}

function inputName(name: string): string {
  return `positions:${name}`;
}
