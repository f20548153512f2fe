import type { AlignedText } from './alignedText.ts';
import { compilePattern } from './patterns.ts';
import type { PreTokenizerNode, SplitBehavior } from './tokenizerJson.ts';

export type PreTokenizer = (pieces: AlignedText[]) => AlignedText[];

type SplitNode = Extract<PreTokenizerNode, { type: 'Split' }>;
type MetaspaceNode = Extract<PreTokenizerNode, { type: 'Metaspace' }>;

/**
 * The pre-tokenizers of a tokenizer.json as one function from a section of text to its pieces; ByteLevel nodes only mark
 * that pieces are spelled in bytes, which the subword model does.
 */
export function createPreTokenizer(nodes: readonly PreTokenizerNode[]): PreTokenizer {
  const steps = nodes.flatMap((node) => (node.type === 'ByteLevel' ? [] : [createStep(node)]));
  return (pieces) => steps.reduce((current, step) => current.flatMap(step).filter(({ text }) => text !== ''), pieces);
}

function createStep(node: Exclude<PreTokenizerNode, { type: 'ByteLevel' }>): (piece: AlignedText) => AlignedText[] {
  switch (node.type) {
    case 'Split':
      return createSplit(node);
    case 'Prefix':
      return (piece) => [prefixed(piece, node.text)];
    case 'Metaspace':
      return createMetaspace(node);
    case 'FixedLength':
      return createSplit({
        type: 'Split',
        pattern: { Regex: `[\\s\\S]{1,${node.length}}` },
        behavior: 'Isolated',
        invert: false,
      });
  }
}

function createSplit(node: SplitNode): (piece: AlignedText) => AlignedText[] {
  const pattern = compilePattern(node.pattern, 'the pre-tokenizer Split');
  return (piece) =>
    splitSpans(piece.text, pattern, node.behavior, node.invert).map(([from, to]) => piece.slice(from, to));
}

function createMetaspace(node: MetaspaceNode): (piece: AlignedText) => AlignedText[] {
  const { replacement, prependScheme } = node;
  const byReplacement = createSplit({
    type: 'Split',
    pattern: { String: replacement },
    behavior: 'MergedWithNext',
    invert: false,
  });
  return (piece) => {
    const spaced = piece.withText(piece.text.replaceAll(' ', replacement));
    const prepends = prependScheme === 'always' || (prependScheme === 'first' && piece.startOf(0) === 0);
    const marked = prepends ? prefixed(spaced, replacement) : spaced;
    return node.split ? byReplacement(marked) : [marked];
  };
}

function prefixed(piece: AlignedText, prefix: string): AlignedText {
  return piece.text.startsWith(prefix) ? piece : piece.prepend(prefix);
}

interface Part {
  from: number;
  to: number;
  readonly matched: boolean;
}

/** [from, to) of the pieces that tokenizers' SplitDelimiterBehavior gives; empty ones are left to the caller to drop. */
function splitSpans(text: string, pattern: RegExp, behavior: SplitBehavior, invert: boolean): [number, number][] {
  const parts: Part[] = [];
  let done = 0;
  for (const { 0: found, index } of text.matchAll(pattern)) {
    if (index > done) parts.push({ from: done, to: index, matched: invert });
    parts.push({ from: index, to: index + found.length, matched: !invert });
    done = index + found.length;
  }
  if (done < text.length) parts.push({ from: done, to: text.length, matched: invert });
  return joinParts(parts, behavior).map(({ from, to }) => [from, to]);
}

function joinParts(parts: readonly Part[], behavior: SplitBehavior): Part[] {
  switch (behavior) {
    case 'Isolated':
      return [...parts];
    case 'Removed':
      return parts.filter(({ matched }) => !matched);
    case 'Contiguous':
      return joinWhere(parts, (previous, part) => previous.matched === part.matched);
    case 'MergedWithPrevious':
      return joinWhere(parts, (previous, part) => part.matched && !previous.matched);
    case 'MergedWithNext':
      return joinWhere(parts, (previous, part) => previous.matched && !part.matched);
  }
}

/** Joins a part to the one before it where `joins` says so of the two as they were found. */
function joinWhere(parts: readonly Part[], joins: (previous: Part, part: Part) => boolean): Part[] {
  const joined: Part[] = [];
  let previous: Part | undefined;
  for (const part of parts) {
    const last = joined.at(-1);
    if (previous && last && joins(previous, part)) last.to = part.to;
    else joined.push({ ...part });
    previous = part;
  }
  return joined;
}
