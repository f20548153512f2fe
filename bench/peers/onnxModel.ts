/** Writes the one model that the benchmark needs: result = Gemm(left, weight), all three of them inputs and outputs. */

/** ONNX's TensorProto.DataType.FLOAT, AttributeProto.AttributeType.INT */
const float = 1;
const integerAttribute = 2;

/**
 * The bytes of an ONNX model (field numbers from onnx.proto) that multiplies left [rows, depth] by weight, transposed where `transposed`.
 * Dimensions: of left, weight, result.
 */
export function gemmModel(left: number[], weight: number[], result: number[], transposed: boolean): Uint8Array {
  const transB = message([
    [1, text('transB')],
    [3, transposed ? 1 : 0],
    [20, integerAttribute],
  ]);
  const node = message([
    [1, text('left')],
    [1, text('weight')],
    [2, text('result')],
    [4, text('Gemm')],
    [5, transB],
  ]);
  const graph = message([
    [1, node],
    [2, text('product')],
    [11, valueInfo('left', left)],
    [11, valueInfo('weight', weight)],
    [12, valueInfo('result', result)],
  ]);
  return message([
    [1, 8],
    [7, graph],
    [8, message([[2, 17]])],
  ]);
}

function valueInfo(name: string, dimensions: number[]): Uint8Array {
  const shape = message(dimensions.map((size) => [1, message([[1, size]])]));
  const tensor = message([
    [1, float],
    [2, shape],
  ]);
  return message([
    [1, text(name)],
    [2, message([[1, tensor]])],
  ]);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** Protocol buffers: a number is a varint field, bytes are a length-delimited one. */
function message(fields: readonly (readonly [number: number, value: number | Uint8Array])[]): Uint8Array {
  return Uint8Array.from(
    fields.flatMap(([number, value]) =>
      typeof value === 'number'
        ? [...varint(number << 3), ...varint(value)]
        : [...varint((number << 3) | 2), ...varint(value.length), ...value],
    ),
  );
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))];
}
