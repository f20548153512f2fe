import { UserError } from '../formats/errors.ts';
import { arrayAt, integerAt, objectAt, stringAt } from './json.ts';
import type { JsonObject } from './json.ts';
import type { ModelNode } from './tokenizerJson.ts';

/** Reads the `model` of a tokenizer.json. Throws a UserError that names an option that cannot be reproduced. */
export function readModel(model: JsonObject): ModelNode {
  const type = modelType(model);
  switch (type) {
    case 'BPE':
      return readBpe(model);
    case 'WordPiece':
      return {
        type,
        vocab: readVocab(model),
        unkToken: stringAt(model['unk_token'] ?? '[UNK]', 'tokenizer.json: the unk_token of the model'),
        continuingSubwordPrefix: stringAt(
          model['continuing_subword_prefix'] ?? '##',
          'tokenizer.json: the continuing_subword_prefix of the model',
        ),
        maxInputCharsPerWord: integerAt(
          model['max_input_chars_per_word'] ?? 100,
          'tokenizer.json: the max_input_chars_per_word of the model',
        ),
      };
    case 'WordLevel':
      return {
        type,
        vocab: readVocab(model),
        unkToken: stringAt(model['unk_token'] ?? '<unk>', 'tokenizer.json: the unk_token of the model'),
      };
    case 'Unigram':
      return readUnigram(model);
    default:
      return refuse(`the model ${String(type)}`);
  }
}

/** Files from before 2020 do not name the type; the fields tell. */
function modelType(model: JsonObject): unknown {
  if (model['type'] !== undefined) return model['type'];
  if (Array.isArray(model['vocab'])) return 'Unigram';
  if (model['merges'] !== undefined) return 'BPE';
  return model['continuing_subword_prefix'] === undefined ? 'WordLevel' : 'WordPiece';
}

function readBpe(model: JsonObject): ModelNode {
  if (model['continuing_subword_prefix']) refuse('a BPE model with a continuing_subword_prefix');
  if (model['dropout']) refuse('a BPE model with dropout, which splits the same text differently each time,');
  return {
    type: 'BPE',
    vocab: readVocab(model),
    merges: arrayAt(model['merges'], 'tokenizer.json: the merges of the model').map(readMerge),
    unkToken: typeof model['unk_token'] === 'string' ? model['unk_token'] : undefined,
    fuseUnk: model['fuse_unk'] === true,
    byteFallback: model['byte_fallback'] === true,
    ignoreMerges: model['ignore_merges'] === true,
    endOfWordSuffix: typeof model['end_of_word_suffix'] === 'string' ? model['end_of_word_suffix'] : '',
  };
}

/** A merge is a pair, or, in older files, two words with a space between. */
function readMerge(merge: unknown): readonly [string, string] {
  const [left, right, ...more]: readonly unknown[] =
    typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : [];
  if (typeof left === 'string' && typeof right === 'string' && more.length === 0) return [left, right];
  throw new UserError(
    `tokenizer.json: the merge ${JSON.stringify(merge)} is not a pair of tokens. Download the file again.`,
  );
}

function readUnigram(model: JsonObject): ModelNode {
  const where = 'tokenizer.json: an entry of the Unigram vocabulary';
  const vocab = arrayAt(model['vocab'], 'tokenizer.json: the vocab of the model').map((entry) => {
    const [piece, score] = arrayAt(entry, where);
    if (typeof score !== 'number') throw new UserError(`${where} has no score. Download the file again.`);
    return [stringAt(piece, where), score] as const;
  });
  if (typeof model['unk_id'] !== 'number') refuse('a Unigram model without an unk_id');
  return {
    type: 'Unigram',
    vocab,
    unkId: integerAt(model['unk_id'], 'tokenizer.json: the unk_id of the model'),
    byteFallback: model['byte_fallback'] === true,
  };
}

function readVocab(model: JsonObject): Readonly<Record<string, number>> {
  const vocab = objectAt(model['vocab'], 'tokenizer.json: the vocab of the model');
  const isVocab = (value: JsonObject): value is Readonly<Record<string, number>> =>
    Object.values(value).every((id) => Number.isInteger(id));
  if (isVocab(vocab)) return vocab;
  throw new UserError(
    'tokenizer.json: the vocab of the model has an id that is not a whole number. Download the file again.',
  );
}

function refuse(what: string): never {
  throw new UserError(
    `tokenizer.json: ${what} cannot be reproduced exactly in a browser. Use a model whose tokenizer does without it.`,
  );
}
