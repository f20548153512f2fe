/** Activation functions by Transformers' names, in the order of the codes in shaders/activation/functions.wgsl. */
export const activationNames = ['relu', 'silu', 'gelu', 'gelu_tanh', 'tanh', 'sigmoid'] as const;
export type ActivationName = (typeof activationNames)[number];

/** What the kernels call it. Throws for a name that is not an activation. */
export function activationCode(name: unknown): number {
  const code = activationNames.indexOf(name as ActivationName);
  if (code < 0) throw new Error(`there is no activation ${String(name)}; there are ${activationNames.join(', ')}`);
  return code;
}

interface Activation {
  readonly value: (x: number) => number;
  readonly derivative: (x: number) => number;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const normalDensity = (x: number) => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
const normalCumulative = (x: number) => 0.5 * (1 + erf(x * Math.SQRT1_2));

const geluSlope = Math.sqrt(2 / Math.PI);
const geluCubic = 0.044715;
const geluTanh = (x: number) => Math.tanh(geluSlope * (x + geluCubic * x ** 3));

const activations: Readonly<Record<ActivationName, Activation>> = {
  relu: { value: (x) => Math.max(0, x), derivative: (x) => (x > 0 ? 1 : 0) },
  silu: { value: (x) => x * sigmoid(x), derivative: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))) },
  gelu: { value: (x) => x * normalCumulative(x), derivative: (x) => normalCumulative(x) + x * normalDensity(x) },
  gelu_tanh: {
    value: (x) => 0.5 * x * (1 + geluTanh(x)),
    derivative: (x) =>
      0.5 * (1 + geluTanh(x)) + 0.5 * x * (1 - geluTanh(x) ** 2) * geluSlope * (1 + 3 * geluCubic * x * x),
  },
  tanh: { value: Math.tanh, derivative: (x) => 1 - Math.tanh(x) ** 2 },
  sigmoid: { value: sigmoid, derivative: (x) => sigmoid(x) * (1 - sigmoid(x)) },
};

/** The activation of that name, in doubles. */
export function activationFunction(name: unknown): Activation {
  return activations[activationNames[activationCode(name)] as ActivationName];
}

/** Gauss's error function by its power series; terms fall below a double's precision where the sum is not yet ±1. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
