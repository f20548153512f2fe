import type { AlignedText } from './alignedText.ts';
import { readCharsmap } from './charsmap.ts';
import type { Charsmap } from './charsmap.ts';
import { clustersOf } from './graphemeClusters.ts';
import { compilePattern } from './patterns.ts';
import type { NormalizerNode } from './tokenizerJson.ts';
import { markPattern, nonspacingMarkPattern } from './olderUnicode.ts';

export type Normalizer = (text: AlignedText) => AlignedText;

/** The normalizers of a tokenizer.json as one function, doing what Rust's tokenizers does, character for character. */
export function createNormalizer(nodes: readonly NormalizerNode[]): Normalizer {
  const steps = nodes.map(createStep);
  return (text) => steps.reduce((current, step) => step(current), text);
}

function createStep(node: NormalizerNode): Normalizer {
  switch (node.type) {
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const form = node.type;
      return (text) => unicodeForm(text, form);
    }
    case 'Lowercase':
      return lowercase;
    case 'StripAccents':
      return (text) => mapCodePoints(text, (char) => (combiningMark.test(char) ? '' : char));
    case 'Strip':
      return (text) => strip(text, node.left, node.right);
    case 'Prepend':
      return (text) => (text.text === '' ? text : text.prepend(node.prepend));
    case 'Replace': {
      const pattern = compilePattern(node.pattern, 'the normalizer Replace');
      return (text) => replaceAll(text, pattern, node.content);
    }
    case 'Precompiled': {
      const charsmap = readCharsmap(node.charsmap);
      return (text) => mapClusters(text, charsmap);
    }
    case 'BertNormalizer': {
      const steps: Normalizer[] = [];
      if (node.cleanText) steps.push((text) => mapCodePoints(text, cleanCharacter));
      if (node.handleChineseChars)
        steps.push((text) => mapCodePoints(text, (c) => (isChineseCharacter(c) ? ` ${c} ` : c)));
      if (node.stripAccents) steps.push(stripNonspacingMarks);
      if (node.lowercase) steps.push(lowercase);
      return (text) => steps.reduce((current, step) => step(current), text);
    }
  }
}

/** One code point at a time: JavaScript's toLowerCase of a whole word gives Σ its final form, Rust's does not. */
function lowercase(text: AlignedText): AlignedText {
  return mapCodePoints(text, (char) => char.toLowerCase());
}

function mapCodePoints(text: AlignedText, map: (char: string) => string): AlignedText {
  const writer = text.rewrite();
  let changed = false;
  let at = 0;
  for (const char of text.text) {
    const mapped = map(char);
    if (mapped === char) {
      writer.copy(at, at + char.length);
    } else {
      changed = true;
      writer.replace(at, at + char.length, mapped);
    }
    at += char.length;
  }
  return changed ? writer.done() : text;
}

/** Whole clusters are looked up by Rust's tokenizers only where they are shorter than this many UTF-8 bytes. */
const longestCluster = 6;

function mapClusters(text: AlignedText, charsmap: Charsmap): AlignedText {
  const writer = text.rewrite();
  let changed = false;
  let at = 0;
  const mapPart = (part: string, mapped: string | undefined): void => {
    if (mapped === undefined) writer.copy(at, at + part.length);
    else writer.replace(at, at + part.length, mapped);
    changed ||= mapped !== undefined;
    at += part.length;
  };
  for (const cluster of clustersOf(text.text)) {
    const whole = utf8Length(cluster) < longestCluster ? charsmap(cluster) : undefined;
    if (whole !== undefined) mapPart(cluster, whole);
    else for (const char of cluster) mapPart(char, charsmap(char));
  }
  return changed ? writer.done() : text;
}

function utf8Length(text: string): number {
  let length = 0;
  for (const char of text) {
    const point = char.codePointAt(0) ?? 0;
    length += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return length;
}

/** A base with its marks, or a run of conjoining Hangul: what the Unicode forms compose by itself. */
const cluster = /[\u1100-\u11ff\ua960-\ua97c\uac00-\ud7fb]+\p{M}*|[\s\S]\p{M}*/gu;
const codePoint = /[\s\S]/gu;

type UnicodeForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

function unicodeForm(text: AlignedText, form: UnicodeForm): AlignedText {
  const whole = text.text.normalize(form);
  if (whole === text.text) return text;
  for (const unit of [codePoint, cluster]) {
    const parts = Array.from(text.text.matchAll(unit), ({ 0: part, index }) => ({
      part,
      index,
      result: part.normalize(form),
    }));
    if (parts.map(({ result }) => result).join('') !== whole) continue;
    const writer = text.rewrite();
    for (const { part, index, result } of parts) {
      if (result === part) writer.copy(index, index + part.length);
      else writer.replace(index, index + part.length, result);
    }
    return writer.done();
  }
  return replaceChangedMiddle(text, whole);
}

/** Aligns a text that changed across clusters (its marks were put in order) by what its beginning and end have kept. */
function replaceChangedMiddle(text: AlignedText, whole: string): AlignedText {
  const before = text.text;
  const shorter = Math.min(before.length, whole.length);
  let head = 0;
  while (head < shorter && before[head] === whole[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before[before.length - 1 - tail] === whole[whole.length - 1 - tail]) tail++;
  return text
    .rewrite()
    .copy(0, head)
    .replace(head, before.length - tail, whole.slice(head, whole.length - tail))
    .copy(before.length - tail, before.length)
    .done();
}

function strip(text: AlignedText, left: boolean, right: boolean): AlignedText {
  const from = left ? (/^\p{White_Space}+/u.exec(text.text)?.[0].length ?? 0) : 0;
  const kept = right ? text.text.replace(/\p{White_Space}+$/u, '').length : text.text.length;
  return text.slice(from, Math.max(from, kept));
}

function replaceAll(text: AlignedText, pattern: RegExp, content: string): AlignedText {
  const matches = [...text.text.matchAll(pattern)];
  if (matches.length === 0) return text;
  if (content.length === 1 && matches.every(({ 0: found }) => found.length === 1)) {
    return text.withText(text.text.replace(pattern, () => content));
  }
  const writer = text.rewrite();
  let done = 0;
  for (const { 0: found, index } of matches) {
    writer.copy(done, index).replace(index, index + found.length, content);
    done = index + found.length;
  }
  return writer.copy(done, text.text.length).done();
}

/** Code points of category Cf that are younger than the tables of Rust's tokenizers, which therefore keeps them. */
const keptFormatCharacters = /[\u0890\u0891\u08e2\u{110cd}\u{13430}-\u{13438}]/u;

/** BERT's clean_text: control characters go, every whitespace becomes a space. */
function cleanCharacter(char: string): string {
  if (char === '\t' || char === '\n' || char === '\r') return ' ';
  if (char === '\ufffd') return '';
  if (/[\p{Cc}\p{Cf}\p{Co}]/u.test(char)) return keptFormatCharacters.test(char) ? char : '';
  return /\p{White_Space}/u.test(char) ? ' ' : char;
}

/** The ranges of BERT's `_is_chinese_char` as Rust's tokenizers has them (its extension E begins at U+2B920). */
function isChineseCharacter(char: string): boolean {
  return /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/u.test(
    char,
  );
}

const combiningMark = new RegExp(markPattern, 'u');
const nonspacingMark = new RegExp(nonspacingMarkPattern, 'u');

function stripNonspacingMarks(text: AlignedText): AlignedText {
  return mapCodePoints(unicodeForm(text, 'NFD'), (char) => (nonspacingMark.test(char) ? '' : char));
}
