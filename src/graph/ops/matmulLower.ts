import type { DispatchPlan, LoweringContext, TensorBinding } from '../op.ts';
import type { OpNode, Tensor } from '../tensor.ts';
import { matmulShape, type MatmulShape } from './matmulShape.ts';
import { lanesAlongColumns, matmulLanes, tiles, type Tile } from './matmulTile.ts';
import { weightOperand, type WeightBindings, type WeightOperand } from './weightOperand.ts';

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
  readonly b: WeightBindings;
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
  const weight = weightOperand(b, context);
  if (shape.layout === 'tn' && weight.format !== 'f32')
    throw new Error(`matmul tn takes an f32 operand, not ${weight.format}`);
  const lowering = { shape, weight, a, b, output, bias, hasAddend: addend !== undefined, context };
  const pieces =
    shape.batches > 1
      ? batchPieces(lowering)
      : shape.layout === 'tn'
        ? transposedPieces(lowering)
        : rowPieces(lowering);
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
    depths.map((steps, index): Piece => ({
      batches: 1,
      rows: range.count,
      columns,
      depth: steps.count,
      a: part(a, steps, rows),
      b: { 2: part(b, steps, columns) },
      output: part(output, range, columns),
      aOffset: range.start,
      outputOffset: 0,
      biasOffset: 0,
      accumulate: hasAddend || index > 0,
      bias: bias !== undefined && index === 0,
    })),
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
      b: { 2: part(b, range, depth * columns) },
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
  if (most === 0)
    throw new Error(`matmul: ${step} rows of ${widest} bytes do not fit a binding of ${bindingLimit} bytes`);
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

/** Which kernel computes a piece: those that load four elements at once need extents that are multiples of 4. */
function kernelOf({ shape, weight }: Lowering, piece: Piece): Kernel {
  const isFour = (...extents: number[]) => extents.every((extent) => extent % 4 === 0);
  const { layout } = shape;
  const isRow = layout === 'nt' && shape.batches * shape.rows === 1;
  const VEC4_OUTPUT = isFour(shape.columns, piece.outputOffset, piece.columns);
  const VEC4_LEFT = isFour(shape.depth, piece.aOffset, piece.depth);
  if (weight.isPacked) {
    return {
      tile: layout === 'nn' ? tiles.nnPacked : isRow ? tiles.rowPacked : tiles.ntPacked,
      conditions: { VEC4_LEFT, VEC4_OUTPUT },
    };
  }
  if (layout === 'tn' && isFour(shape.rows, piece.aOffset, piece.rows, shape.columns))
    return { tile: tiles.tn, conditions: { VEC4_OUTPUT } };
  if (layout === 'nt' && VEC4_LEFT)
    return { tile: isRow ? tiles.row : tiles.nt, conditions: { VEC4: true, VEC4_LEFT, VEC4_OUTPUT } };
  if (layout === 'nn' && VEC4_OUTPUT) return { tile: tiles.nn, conditions: { VEC4: true, VEC4_LEFT, VEC4_OUTPUT } };
  return { tile: tiles.any, conditions: { VEC4: false, VEC4_OUTPUT: false } };
}

/** Elements from one row of a, one column of b and one row of the output to the next, and from one step of the reduction to the next. */
function stridesOf({ layout, rows, columns, depth }: MatmulShape) {
  return {
    a: layout === 'tn' ? { row: 1, step: rows } : { row: depth, step: 1 },
    b: layout === 'nt' ? { column: depth, step: 1 } : { column: 1, step: columns },
  };
}

/** Splits a piece into dispatches within context.flopsPerDispatch and the grid's limits: by batches, then columns, then rows. */
function dispatchesOf(lowering: Lowering, piece: Piece): DispatchPlan[] {
  const { shape, weight, bias, context } = lowering;
  const { tile, conditions } = kernelOf(lowering, piece);
  const strides = stridesOf(shape);
  const lanesLog2 = lanesAlongColumns(tile, piece.rows, piece.columns);
  const spans = { columns: tile.columns << lanesLog2, rows: tile.rows * (matmulLanes >> lanesLog2) };
  const most = splitSizes(piece, spans, context.flopsPerDispatch);
  const kernel =
    tile === tiles.tn
      ? { module: tile.module, conditions }
      : {
          module: tile.module,
          conditions: { ...conditions, ...weight.decoder.conditions },
          plugins: weight.decoder.plugins,
        };
  const bindings = { 1: piece.a, ...piece.b, 4: bias && { tensor: bias }, 5: piece.output };
  const plans: DispatchPlan[] = [];
  for (const batches of ranges(piece.batches, most.batches))
    for (const columns of ranges(piece.columns, most.columns))
      for (const rows of ranges(piece.rows, most.rows)) {
        plans.push({
          kernel,
          params: [
            rows.start,
            rows.start + rows.count,
            columns.start,
            columns.start + columns.count,
            piece.depth,
            lanesLog2,
            strides.a.row,
            strides.a.step,
            shape.rows * shape.depth,
            strides.b.column,
            strides.b.step,
            shape.depth * shape.columns,
            shape.columns,
            shape.rows * shape.columns,
            piece.aOffset,
            piece.outputOffset,
            piece.biasOffset,
            batches.start,
            { f: shape.alpha },
            piece.accumulate ? 1 : 0,
            piece.bias ? 1 : 0,
          ],
          bindings,
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
