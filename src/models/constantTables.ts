import type { ModelDescription } from './family.ts';

type Constants = ReturnType<ModelDescription['constants']>;

/** A description's tables, made once for each number of positions: every block of every trace asks for them. */
export function tablesByPositions(make: (positions: number) => Constants): ModelDescription['constants'] {
  const known = new Map<number, Constants>();
  return (positions) => {
    const tables = known.get(positions) ?? make(positions);
    known.set(positions, tables);
    return tables;
  };
}
