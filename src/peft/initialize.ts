import { UserError } from '../formats/errors.ts';
import type { FloatTensor } from '../formats/floatTensors.ts';
import type { Shape } from '../graph/tensor.ts';
import { sizeOf } from '../graph/tensor.ts';
import type { Adapter, InitialContext, ParameterSpec, ParameterValues } from './method.ts';
import { randomNormals, randomUniforms } from './randomNumbers.ts';

/** The shape a parameter has in the adapter file. */
export function fileShape(spec: ParameterSpec): Shape {
  return spec.shapeInFile ?? (spec.transposedInFile ? [...spec.shape].reverse() : spec.shape);
}

/**
 * First numbers of an adapter's parameters: those of `given`, and for the others a function of the run's seed, the parameter's name and,
 * where they are computed, of the checkpoint and of each other.
 */
export async function initialValues(
  adapter: Adapter,
  given: ReadonlyMap<string, Float32Array<ArrayBuffer>>,
  source: Omit<InitialContext, 'parameter'>,
): Promise<Map<string, Float32Array<ArrayBuffer>>> {
  const values = new Map<string, Promise<Float32Array<ArrayBuffer>>>();
  const specs = new Map(adapter.parameters.map((spec) => [spec.name, spec]));
  const parameter = (name: string): Promise<Float32Array<ArrayBuffer>> => {
    const spec = specs.get(name);
    if (!spec) throw new Error(`the adapter has no parameter ${name}`);
    const known = values.get(name) ?? Promise.resolve(given.get(name) ?? firstNumbers(spec, context));
    values.set(name, known);
    return known;
  };
  const context: InitialContext = { ...source, parameter };
  const result = new Map<string, Float32Array<ArrayBuffer>>();
  for (const name of specs.keys()) result.set(name, await parameter(name));
  return result;
}

async function firstNumbers(spec: ParameterSpec, context: InitialContext): Promise<Float32Array<ArrayBuffer>> {
  const { seed, base: readBase } = context;
  const count = sizeOf(spec.shape);
  switch (spec.initial.kind) {
    case 'constant':
      return new Float32Array(count).fill(spec.initial.value);
    case 'uniform': {
      const { bound } = spec.initial;
      return randomUniforms(count, seed, spec.name).map((x) => (2 * x - 1) * bound);
    }
    case 'normal': {
      const { std } = spec.initial;
      return randomNormals(count, seed, spec.name).map((x) => x * std);
    }
    case 'base':
      return new Float32Array(await readBase(spec.initial.tensor));
    case 'computed':
      return spec.initial.compute(context);
  }
}

/**
 * The parameters' numbers from an adapter's file, laid out as on the GPU. Strict: a UserError lists every key that is missing,
 * unexpected or of another shape, because an adapter that loads in part is wrong in silence.
 */
export function valuesFromFile(
  adapter: Adapter,
  tensors: ReadonlyMap<string, FloatTensor>,
): Map<string, Float32Array<ArrayBuffer>> {
  const problems: string[] = [];
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  const inFile = adapter.parameters.filter(({ isInFile = true }) => isInFile);
  for (const spec of inFile) {
    const tensor = tensors.get(spec.name);
    if (!tensor) problems.push(`missing ${spec.name}`);
    else if (tensor.shape.join() !== fileShape(spec).join())
      problems.push(`${spec.name} is [${tensor.shape.join(', ')}], not [${fileShape(spec).join(', ')}]`);
    else
      values.set(
        spec.name,
        spec.transposedInFile ? transposed(tensor.data, tensor.shape) : new Float32Array(tensor.data),
      );
  }
  const known = new Set(inFile.map((spec) => spec.name));
  for (const key of tensors.keys()) if (!known.has(key) && !adapter.ignoresKey(key)) problems.push(`unexpected ${key}`);
  if (problems.length > 0)
    throw new UserError(
      `The adapter does not fit this model: ${problems.slice(0, 8).join('; ')}${problems.length > 8 ? `; and ${problems.length - 8} more` : ''}. Choose the base model it was trained on.`,
    );
  return values;
}

/** The parameters as the adapter's file holds them. */
export function tensorsForFile(adapter: Adapter, values: ParameterValues): Map<string, FloatTensor> {
  return new Map(
    adapter.parameters
      .filter(({ isInFile = true }) => isInFile)
      .map((spec) => {
        const data = values.get(spec.name) ?? new Float32Array(sizeOf(spec.shape));
        const shape = fileShape(spec);
        return [
          spec.name,
          { shape, data: spec.transposedInFile ? transposed(data, spec.shape) : new Float32Array(data) },
        ];
      }),
  );
}

/** [rows, columns] → [columns, rows] */
export function transposed(data: Float32Array, [rows = 1, columns = 1]: Shape): Float32Array<ArrayBuffer> {
  const result = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = data[i * columns + j] ?? 0;
  return result;
}
