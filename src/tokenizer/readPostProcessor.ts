import { UserError } from '../formats/errors.ts';
import { arrayAt, integerAt, objectAt, stringAt } from './json.ts';
import type { JsonObject } from './json.ts';
import type { PostProcessorNode, TemplateItem } from './tokenizerJson.ts';

const bare: PostProcessorNode = {
  single: [{ sequence: 'A', typeId: 0 }],
  pair: [
    { sequence: 'A', typeId: 0 },
    { sequence: 'B', typeId: 1 },
  ],
};

/**
 * Reads the `post_processor` of a tokenizer.json: which special tokens are put around a text and around a pair of texts.
 * ByteLevel moves offsets only and adds nothing.
 */
export function readPostProcessor(node: unknown, idOf: (token: string) => number | undefined): PostProcessorNode {
  if (node === undefined || node === null) return bare;
  const templates = processors(objectAt(node, 'tokenizer.json: post_processor')).filter(
    ({ type }) => type !== 'ByteLevel',
  );
  const [template, ...more] = templates;
  if (!template) return bare;
  if (more.length > 0) {
    const names = templates.map(({ type }) => String(type)).join(', ');
    throw new UserError(
      `tokenizer.json: post_processor applies several templates in turn (${names}), which is not supported.`,
    );
  }
  switch (template['type']) {
    case 'TemplateProcessing':
      return {
        single: readTemplate(template, 'single', idOf),
        pair: readTemplate(template, 'pair', idOf),
      };
    case 'BertProcessing':
      return bertTemplate(template, 1, 1);
    case 'RobertaProcessing':
      return bertTemplate(template, 2, 0);
    default:
      throw new UserError(
        `tokenizer.json: the post-processor ${String(template['type'])} is not known. Use a model whose tokenizer does without it.`,
      );
  }
}

function processors(node: JsonObject): JsonObject[] {
  if (node['type'] !== 'Sequence') return [node];
  return arrayAt(node['processors'], 'tokenizer.json: post_processor').flatMap((part) =>
    processors(objectAt(part, 'tokenizer.json: post_processor')),
  );
}

function readTemplate(
  template: JsonObject,
  field: 'single' | 'pair',
  idOf: (token: string) => number | undefined,
): TemplateItem[] {
  const where = `tokenizer.json: post_processor.${field}`;
  const specials = objectAt(template['special_tokens'] ?? {}, 'tokenizer.json: post_processor.special_tokens');
  return arrayAt(template[field], where).map((value) => {
    const item = objectAt(value, where);
    if (item['Sequence'] !== undefined) {
      const sequence = objectAt(item['Sequence'], where);
      return { sequence: sequence['id'] === 'B' ? 'B' : 'A', typeId: integerAt(sequence['type_id'] ?? 0, where) };
    }
    const special = objectAt(item['SpecialToken'], where);
    const name = stringAt(special['id'], where);
    const declared = specials[name];
    const ids =
      declared === undefined ? [idOf(name)] : arrayAt(objectAt(declared, where)['ids'], `${where}: the ids of ${name}`);
    return {
      ids: ids.map((id) => integerAt(id, `${where}: the id of ${name}`)),
      typeId: integerAt(special['type_id'] ?? 0, where),
    };
  });
}

/** [CLS] A [SEP] and [CLS] A [SEP] B [SEP]; RoBERTa has two separators between the texts and no type ids. */
function bertTemplate(template: JsonObject, separators: 1 | 2, typeIdOfB: 0 | 1): PostProcessorNode {
  const cls = idOfPair(template['cls'], 'cls');
  const sep = idOfPair(template['sep'], 'sep');
  const single: TemplateItem[] = [
    { ids: [cls], typeId: 0 },
    { sequence: 'A', typeId: 0 },
    { ids: [sep], typeId: 0 },
  ];
  const between: TemplateItem[] = separators === 2 ? [{ ids: [sep], typeId: 0 }] : [];
  return {
    single,
    pair: [...single, ...between, { sequence: 'B', typeId: typeIdOfB }, { ids: [sep], typeId: typeIdOfB }],
  };
}

function idOfPair(value: unknown, field: string): number {
  const where = `tokenizer.json: post_processor.${field}`;
  return integerAt(arrayAt(value, where)[1], where);
}
