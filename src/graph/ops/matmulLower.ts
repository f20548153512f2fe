import type { DispatchPlan, LoweringContext, TensorBinding } from '../op.ts';
import type { OpNode, Tensor } from '../tensor.ts';
import { matmulShape, type MatmulShape } from './matmulShape.ts';
import { lanesAlongColumns, matmulLanes, tiles, type Tile } from './matmulTile.ts';
import { weightOperand, type WeightOperand } from './weightOperand.ts';

interface Range {
  readonly start: number;
  readonly count: number;
}

/** A part of the product whose operands each fit a binding: indices are those of the bound ranges. */
interface Piece {
  readonly batches: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly a: TensorBinding;
  readonly b: readonly [TensorBinding, TensorBinding | undefined];
  readonly output: TensorBinding;
  /** elements before the first one used */
  readonly aOffset: number;
  readonly outputOffset: number;
  readonly biasOffset: number;
  readonly accumulate: boolean;
  readonly bias: boolean;
}

interface Lowering {
  readonly shape: MatmulShape;
  readonly weight: WeightOperand;
  readonly a: Tensor;
  readonly b: Tensor;
  readonly output: Tensor;
  readonly bias: Tensor | undefined;
  /** the output already holds the addend */
  readonly hasAddend: boolean;
  readonly context: LoweringContext;
}

/** The dispatches of a matmul: pieces within the binding limit, each split along its outputs within the time limit of a dispatch. */
export function lowerMatmul(node: OpNode, context: LoweringContext): DispatchPlan[] {
  const [a, b, addend, bias] = node.inputs;
  const [output] = node.outputs;
  if (!a || !b || !output) throw new Error('matmul needs two operands');
  const shape = matmulShape(a.shape, b.shape, node.attributes);
  const lowering = { shape, weight: weightOperand(b, context), a, b, output, bias, hasAddend: addend !== undefined, context };
  const pieces = shape.batches > 1 ? batchPieces(lowering) : shape.layout === 'tn' ? transposedPieces(lowering) : rowPieces(lowering);
  return pieces.flatMap((piece) => dispatchesOf(lowering, piece));
}

/** nt and nn with one right operand: ranges of rows of a and the output, times the shards of b. */
function rowPieces({ shape, weight, a, output, bias, hasAddend, context }: Lowering): Piece[] {
  const { layout, rows, columns, depth } = shape;
  const isTransposed = layout === 'nt';
  return boundRanges(rows, [depth, columns], context.bindingLimit).flatMap((range) =>
    weight.shards.map((shard, index): Piece => {
      const isFirst = index === 0;
      return {
        batches: 1,
        rows: range.count,
        columns: isTransposed ? shard.rowCount : columns,
        depth: isTransposed ? depth : shard.rowCount,
        a: part(a, range, depth),
        b: weight.planes(index),
        output: part(output, range, columns),
        aOffset: isTransposed ? 0 : shard.rowStart,
        outputOffset: isTransposed ? shard.rowStart : 0,
        biasOffset: isTransposed ? shard.rowStart : 0,
        accumulate: hasAddend || (!isTransposed && !isFirst),
        bias: bias !== undefined && (isTransposed || isFirst),
      };
    }),
  );
}

/** tn: ranges of rows of the output, times ranges of the reduction, which are summed in order. */
function transposedPieces({ shape, a, b, output, bias, hasAddend, context }: Lowering): Piece[] {
  const { rows, columns, depth } = shape;
  const depths = boundRanges(depth, [rows, columns], context.bindingLimit);
  return boundRanges(rows, [columns], context.bindingLimit).flatMap((range) =>
    depths.map(
      (steps, index): Piece => ({
        batches: 1,
        rows: range.count,
        columns,
        depth: steps.count,
        a: part(a, steps, rows),
        b: [part(b, steps, columns), undefined],
        output: part(output, range, columns),
        aOffset: range.start,
        outputOffset: 0,
        biasOffset: 0,
        accumulate: hasAddend || index > 0,
        bias: bias !== undefined && index === 0,
      }),
    ),
  );
}

/** Ranges of batches. */
function batchPieces({ shape, a, b, output, bias, hasAddend, context }: Lowering): Piece[] {
  const { batches, rows, columns, depth } = shape;
  return boundRanges(batches, [rows * depth, depth * columns, rows * columns], context.bindingLimit).map(
    (range): Piece => ({
      batches: range.count,
      rows,
      columns,
      depth,
      a: part(a, range, rows * depth),
      b: [part(b, range, depth * columns), undefined],
      output: part(output, range, rows * columns),
      aOffset: 0,
      outputOffset: 0,
      biasOffset: 0,
      accumulate: hasAddend,
      bias: bias !== undefined,
    }),
  );
}

/** Elements `range` of a tensor seen as rows of `width`. */
function part(tensor: Tensor, range: Range, width: number): TensorBinding {
  return { tensor, offset: range.start * width * 4, size: range.count * width * 4 };
}

/** Cuts `count` rows of the given widths (f32) such that every range fits a binding and starts at a multiple of 256 bytes. */
function boundRanges(count: number, widths: readonly number[], bindingLimit: number): Range[] {
  const widest = Math.max(...widths) * 4;
  if (count * widest <= bindingLimit) return [{ start: 0, count }];
  let step = 1;
  while (widths.some((width) => (step * width) % 64 !== 0)) step *= 2;
  const wholeSteps = (size: number) => Math.floor(bindingLimit / (widest * size)) * size;
  const most = wholeSteps(Math.max(step, 8)) || wholeSteps(step);
  if (most === 0) throw new Error(`matmul: ${step} rows of ${widest} bytes do not fit a binding of ${bindingLimit} bytes`);
  return ranges(count, most);
}

function ranges(count: number, most: number): Range[] {
  const parts: Range[] = [];
  for (let start = 0; start < count; start += most) parts.push({ start, count: Math.min(most, count - start) });
  return parts;
}

interface Kernel {
  readonly tile: Tile;
  readonly conditions: Readonly<Record<string, boolean>>;
}

/** Which kernel reads this piece, and which of its accesses are aligned to four elements. */
function kernelOf(layout: MatmulShape['layout'], weight: WeightOperand, piece: Piece, outputStride: number, aStride: number): Kernel {
  const isFour = (...extents: number[]) => extents.every((extent) => extent % 4 === 0);
  const output = isFour(outputStride, piece.outputOffset, piece.columns);
  const left = isFour(aStride, piece.aOffset);
  if (layout === 'tn') return { tile: tiles.tn, conditions: { VEC4: left && isFour(piece.rows, piece.columns), VEC4_OUTPUT: output } };
  if (weight.isPacked) return { tile: layout === 'nt' ? tiles.ntPacked : tiles.nnPacked, conditions: { VEC4_LEFT: left, VEC4_OUTPUT: output } };
  if (layout === 'nt') return { tile: tiles.nt, conditions: { VEC4: left, VEC4_LEFT: left, VEC4_OUTPUT: output } };
  return { tile: tiles.nn, conditions: { VEC4: output, VEC4_LEFT: left, VEC4_OUTPUT: output } };
}

/** Splits a piece into dispatches within context.flopsPerDispatch and the grid's limits: by batches, then columns, then rows. */
function dispatchesOf({ shape, weight, bias, context }: Lowering, piece: Piece): DispatchPlan[] {
  const { layout } = shape;
  const aStride = layout === 'tn' ? shape.rows : shape.depth;
  const bStride = layout === 'nt' ? shape.depth : shape.columns;
  const outputStride = shape.columns;
  const { tile, conditions } = kernelOf(layout, weight, piece, outputStride, aStride);
  const lanesLog2 = lanesAlongColumns(tile, piece.rows, piece.columns);
  const spans = { columns: tile.columns << lanesLog2, rows: tile.rows * (matmulLanes >> lanesLog2) };
  const most = splitSizes(piece, spans, context.flopsPerDispatch);
  const batchSizes = { a: shape.rows * shape.depth, b: shape.depth * shape.columns, output: shape.rows * shape.columns };
  const plans: DispatchPlan[] = [];
  for (const batches of ranges(piece.batches, most.batches))
    for (const columns of ranges(piece.columns, most.columns))
      for (const rows of ranges(piece.rows, most.rows)) {
        plans.push({
          kernel: { module: tile.module, conditions, plugins: layout === 'tn' ? {} : { weight: weight.decoder } },
          params: [
            rows.start,
            rows.start + rows.count,
            columns.start,
            columns.start + columns.count,
            piece.depth,
            lanesLog2,
            aStride,
            batchSizes.a,
            bStride,
            batchSizes.b,
            outputStride,
            batchSizes.output,
            piece.aOffset,
            piece.outputOffset,
            piece.biasOffset,
            batches.start,
            { f: shape.alpha },
            piece.accumulate ? 1 : 0,
            piece.bias ? 1 : 0,
          ],
          bindings: { 1: piece.a, 2: piece.b[0], 3: piece.b[1], 4: bias && { tensor: bias }, 5: piece.output },
          grid: [Math.ceil(columns.count / spans.columns), Math.ceil(rows.count / spans.rows), batches.count],
          flops: 2 * piece.depth * rows.count * columns.count * batches.count,
        });
      }
  return plans;
}

/** The most batches, columns and rows of one dispatch, the latter two in whole workgroups. */
function splitSizes(piece: Piece, spans: { rows: number; columns: number }, flopsPerDispatch: number) {
  const largestGrid = 65535;
  const fit = (flops: number, limit: number) => Math.max(1, Math.min(limit, Math.floor(flopsPerDispatch / flops)));
  const batches = fit(2 * piece.depth * piece.rows * piece.columns, largestGrid);
  const columns = fit(2 * piece.depth * piece.rows * spans.columns, largestGrid) * spans.columns;
  const rows = fit(2 * piece.depth * spans.rows * Math.min(columns, piece.columns), largestGrid) * spans.rows;
  return { batches, columns, rows };
}
