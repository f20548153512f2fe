import { UserError } from '../formats/errors.ts';
import { isObject } from './json.ts';
import type { JsonObject } from './json.ts';
import type { AddedToken } from './tokenizerJson.ts';

/** Special tokens by the names tokenizer_config.json and chat templates use. */
export type NamedTokens = Readonly<Partial<Record<SpecialTokenName, string>>>;
export type SpecialTokenName = (typeof names)[number];

const names = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'] as const;

/** Reads the named tokens; tokenizer_config.json comes before special_tokens_map.json. */
export function readNamedTokens(tokenizerConfig: JsonObject, specialTokensMap: JsonObject): NamedTokens {
  const named: Partial<Record<SpecialTokenName, string>> = {};
  for (const name of names) {
    const content = contentOf(tokenizerConfig[name]) ?? contentOf(specialTokensMap[name]);
    if (content !== undefined) named[name] = content;
  }
  return named;
}

function contentOf(token: unknown): string | undefined {
  if (typeof token === 'string') return token;
  if (isObject(token) && typeof token['content'] === 'string') return token['content'];
  return undefined;
}

/**
 * Tokens that the configuration names and tokenizer.json does not list. As Transformers does, they become added tokens: with
 * the id that `added_tokens_decoder` or the vocabulary gives. One that has no id would need a row the model does not have,
 * so it is left out unless it is listed with an id of its own.
 */
export function missingAddedTokens(
  tokenizerConfig: JsonObject,
  named: NamedTokens,
  present: readonly AddedToken[],
  vocabularyId: (token: string) => number | undefined,
): AddedToken[] {
  const contents = new Set(present.map(({ content }) => content));
  const missing: AddedToken[] = [];
  const add = (content: string, id: number | undefined, listed: JsonObject): void => {
    if (id === undefined || contents.has(content)) return;
    contents.add(content);
    const special = listed['special'] !== false;
    missing.push({
      id,
      content,
      singleWord: listed['single_word'] === true,
      lstrip: listed['lstrip'] === true,
      rstrip: listed['rstrip'] === true,
      normalized: typeof listed['normalized'] === 'boolean' ? listed['normalized'] : !special,
      special,
    });
  };
  const decoder = tokenizerConfig['added_tokens_decoder'];
  for (const [id, listed] of Object.entries(isObject(decoder) ? decoder : {})) {
    const content = contentOf(listed);
    if (content === undefined || !isObject(listed) || !/^\d+$/.test(id)) {
      throw new UserError(
        `tokenizer_config.json: added_tokens_decoder["${id}"] is not a token. Download the file again.`,
      );
    }
    add(content, Number(id), { special: false, ...listed });
  }
  for (const content of [...Object.values(named), ...extraSpecialTokens(tokenizerConfig)]) {
    add(content, vocabularyId(content), {});
  }
  return missing;
}

/** additional_special_tokens is a list; its newer name extra_special_tokens may be a list or an object of named tokens. */
function extraSpecialTokens(tokenizerConfig: JsonObject): string[] {
  return ['additional_special_tokens', 'extra_special_tokens'].flatMap((field) => {
    const value = tokenizerConfig[field];
    const tokens: unknown[] = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
    return tokens.flatMap((token) => contentOf(token) ?? []);
  });
}
