import type { TokenView } from '../../engine/api.ts';

export interface TokenRun {
  readonly part: TokenView['part'];
  /** index of its first token */
  readonly start: number;
  readonly tokens: readonly TokenView[];
}

/** Neighbours of one part together, so that a screen reader hears 'Learned' once and not before every token. */
export function tokenRuns(tokens: readonly TokenView[]): readonly TokenRun[] {
  const runs: { part: TokenView['part']; start: number; tokens: TokenView[] }[] = [];
  tokens.forEach((token, index) => {
    const last = runs.at(-1);
    if (last?.part === token.part) last.tokens.push(token);
    else runs.push({ part: token.part, start: index, tokens: [token] });
  });
  return runs;
}
