import { AlignedText } from './alignedText.ts';
import type { Normalizer } from './normalizers.ts';
import { anyOf, wordCharacters } from './patterns.ts';
import type { AddedToken } from './tokenizerJson.ts';

/** A stretch of the input: an added token (id given), or text that is still to be tokenized. */
export interface Section {
  readonly id?: number;
  readonly text: AlignedText;
}

export type SectionSplitter = (text: AlignedText) => Section[];

const endsWithWord = new RegExp(`[${wordCharacters}]$`, 'u');
const startsWithWord = new RegExp(`^[${wordCharacters}]`, 'u');

/**
 * Finds added tokens as Rust's tokenizers does: those not `normalized` in the text as written, then, in each stretch
 * between, after the normalizer, the others by their normalized form. The leftmost, longest match wins.
 */
export function createSectionSplitter(tokens: readonly AddedToken[], normalizer: Normalizer): SectionSplitter {
  const findWritten = createFinder(
    tokens.filter(({ normalized }) => !normalized).map((token) => [token.content, token]),
  );
  const findNormalized = createFinder(
    tokens
      .filter(({ normalized }) => normalized)
      .map((token) => [normalizer(AlignedText.of(token.content)).text, token]),
  );
  return (text) =>
    findWritten(text).flatMap((section) =>
      section.id === undefined ? findNormalized(normalizer(section.text)) : [section],
    );
}

function createFinder(tokens: readonly (readonly [string, AddedToken])[]): SectionSplitter {
  const byContent = new Map(tokens);
  const pattern = anyOf([...byContent.keys()]);
  if (!pattern) return (text) => (text.text === '' ? [] : [{ text }]);
  return (text) => {
    const whole = text.text;
    const sections: Section[] = [];
    let done = 0;
    for (const { 0: found, index } of whole.matchAll(pattern)) {
      const token = byContent.get(found);
      if (!token) continue;
      let start = index;
      let end = index + found.length;
      if (token.singleWord && (endsWithWord.test(whole.slice(0, start)) || startsWithWord.test(whole.slice(end))))
        continue;
      if (token.lstrip) start = Math.max(done, whole.slice(0, start).replace(/\p{White_Space}+$/u, '').length);
      if (token.rstrip) end += /^\p{White_Space}*/u.exec(whole.slice(end))?.[0].length ?? 0;
      if (done < start) sections.push({ text: text.slice(done, start) });
      sections.push({ id: token.id, text: text.slice(start, end) });
      done = end;
    }
    if (done < whole.length) sections.push({ text: text.slice(done, whole.length) });
    return sections;
  };
}
