import { sizeOf, type Shape } from '../tensor.ts';

/** Which operand is transposed: nt = a·bᵀ, nn = a·b, tn = aᵀ·b. */
export type MatmulLayout = 'nt' | 'nn' | 'tn';

/** A matmul as its kernels see it: `batches` products of rows × depth by depth × columns. */
export interface MatmulShape {
  readonly layout: MatmulLayout;
  readonly alpha: number;
  readonly batches: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly output: Shape;
}

/** Reads a node's attributes and shapes. Throws an Error with both shapes when they do not fit. */
export function matmulShape(a: Shape, b: Shape, attributes: Readonly<Record<string, unknown>>): MatmulShape {
  const { layout, alpha = 1, flatten = false } = attributes;
  const misfit = (why: string) =>
    new Error(`matmul ${String(layout)} of [${a.join(', ')}] and [${b.join(', ')}]: ${why}`);
  if (layout !== 'nt' && layout !== 'nn' && layout !== 'tn') throw misfit('layout must be nt, nn or tn');
  if (typeof alpha !== 'number') throw misfit('alpha must be a number');
  if (a.length < 2 || b.length < 2) throw misfit('both operands need two dimensions');
  const [aOuter = 1, aInner = 1] = a.slice(-2);
  const [bOuter = 1, bInner = 1] = b.slice(-2);
  const aLead = a.slice(0, -2);
  const bLead = b.slice(0, -2);
  const sameLead = aLead.join() === bLead.join();
  const common: Pick<MatmulShape, 'layout' | 'alpha'> = { layout, alpha };

  if (layout === 'tn') {
    if (aOuter !== bOuter) throw misfit('the reduced dimensions differ');
    if (!sameLead) throw misfit('the leading dimensions differ');
    if (flatten === true) {
      return {
        ...common,
        batches: 1,
        rows: aInner,
        columns: bInner,
        depth: sizeOf(aLead) * aOuter,
        output: [aInner, bInner],
      };
    }
    return {
      ...common,
      batches: sizeOf(aLead),
      rows: aInner,
      columns: bInner,
      depth: aOuter,
      output: [...aLead, aInner, bInner],
    };
  }
  const [columns, depth] = layout === 'nt' ? [bOuter, bInner] : [bInner, bOuter];
  if (aInner !== depth) throw misfit('the reduced dimensions differ');
  const output = [...aLead, aOuter, columns];
  if (b.length === 2) return { ...common, batches: 1, rows: sizeOf(aLead) * aOuter, columns, depth, output };
  if (!sameLead) throw misfit('the leading dimensions differ');
  return { ...common, batches: sizeOf(aLead), rows: aOuter, columns, depth, output };
}
