import { encodeRow, ignoredLabel, type ShownRow, type TokenSpans } from '../data/encodeRow.ts';
import { fixedLabels, resolveLabels, type LabelMap, type LabelScheme } from '../data/labels.ts';
import { placeName, type DataRecord } from '../data/records.ts';
import { UserError } from '../formats/errors.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { DataOptions, ImageView, RowView, TokenView } from './api.ts';
import type { LoadedModel } from './loadedModel.ts';
import type { PreparedData } from './preparedData.ts';

/**
 * A row as the model sees it, whole: each token with its part, and what a classifier is to say of it.
 * @param model with the head of the rows' task
 */
export function rowView(data: PreparedData, index: number, model: LoadedModel, options: DataOptions): RowView {
  const record = data.records[index];
  if (!record) throw new UserError(`There is no row ${index + 1}; there are ${data.records.length}.`);
  const { tokenizer, checkpoint } = model;
  const { task, decoderStartTokenId } = checkpoint.description;
  if (task === 'IMAGE_CLS') throw new UserError('These are images, which have no tokens.');
  const scheme = data.labels && schemeFor(record, data.labels);
  const row = encodeRow(record, tokenizer, {
    taskType: task,
    lossOn: options.lossOn,
    maxLength: Number.MAX_SAFE_INTEGER,
    ...(scheme && { labels: scheme }),
    ...(decoderStartTokenId === undefined ? {} : { decoderStartTokenId }),
  });
  // the first token of a text has none before it to be predicted from
  const firstLearned = task === 'CAUSAL_LM' ? 1 : 0;
  const texts = tokenTexts(row, tokenizer);
  const tokens = Array.from(row.ids, (id, i): TokenView => {
    const label = row.labels[i] ?? ignoredLabel;
    const isLearned = i >= firstLearned && label !== ignoredLabel;
    const part = i >= options.maxLength ? 'cut' : isLearned ? 'learned' : 'context';
    const name = task === 'TOKEN_CLS' && isLearned ? data.labels?.id2label[String(label)] : undefined;
    return {
      id,
      text: texts[i] ?? '',
      part,
      special: tokenizer.isSpecial(id),
      ...(name !== undefined && { label: name }),
    };
  });
  const { place: _, ...raw } = record;
  const labels = data.labels && labelsOf(record, row, data.labels);
  return {
    index,
    raw: JSON.stringify(raw, null, 2),
    rendered: row.text,
    tokens,
    ...(row.shownTarget && { target: targetView(row.shownTarget, tokenizer, options.maxLength) }),
    ...(labels && { labels }),
  };
}

/** How the labels of this row are read, as those of all rows were. */
function schemeFor(record: DataRecord, labels: LabelMap): LabelScheme | undefined {
  const known = fixedLabels(labels);
  const where = placeName(record.place);
  if (record.kind === 'labelled') return resolveLabels([{ label: record.label, where }], known);
  return record.kind === 'tokens' ? resolveLabels([{ label: record.labels, where }], known, true) : undefined;
}

/** What a text classifier is to say of a row. */
function labelsOf(record: DataRecord, { target }: ShownRow, { id2label, problemType }: LabelMap): string[] | undefined {
  if (record.kind !== 'labelled' || !target) return undefined;
  const nameOf = (id: number) => id2label[String(id)] ?? String(id);
  if (target.kind === 'class') return [nameOf(target.classId)];
  if (problemType === 'regression') return [record.label].flat().map(String);
  return target.kind === 'values' ? [...target.values].flatMap((value, id) => (value === 1 ? [nameOf(id)] : [])) : [];
}

/** The target sequence of an encoder and decoder, all of which is learned. */
function targetView(target: TokenSpans, tokenizer: Tokenizer, maxLength: number): NonNullable<RowView['target']> {
  const texts = tokenTexts(target, tokenizer);
  const tokens = Array.from(target.ids, (id, i): TokenView => {
    return { id, text: texts[i] ?? '', part: i >= maxLength ? 'cut' : 'learned', special: tokenizer.isSpecial(id) };
  });
  return { rendered: target.text, tokens };
}

/**
 * The text of each token, with the space between it and the token before, which is in no token of BERT's. Of tokens over the same letters
 * each has what is not the next one's, such as nothing of T5's mark of a word's beginning.
 */
function tokenTexts({ ids, text, starts, ends }: TokenSpans, tokenizer: Tokenizer): string[] {
  let end = 0;
  return Array.from(ids, (id, i) => {
    const [start = 0, own = 0] = [starts[i], ends[i]];
    if (own <= start) return tokenizer.decode([id]);
    const next = (ends[i + 1] ?? 0) > (starts[i + 1] ?? 0) ? (starts[i + 1] ?? own) : own;
    const part = text.slice(Math.min(end, start), Math.max(start, Math.min(own, next)));
    end = Math.max(end, Math.min(own, next));
    return part;
  });
}

/** The first images, one of each class in turn so that all classes are seen, or of one class. */
export async function imageViews(
  { images = [], rows, labels }: PreparedData,
  count: number,
  wanted: string | undefined,
): Promise<ImageView[]> {
  const shown = images.map((image, i) => ({ ...image, label: labelText(rows[i]?.target, labels) }));
  const of = (label: string) => shown.filter((image) => image.label === label);
  const lists = wanted === undefined ? [...new Set(shown.map(({ label }) => label))].map(of) : [of(wanted)];
  const chosen = inTurn(lists, count);
  return Promise.all(
    chosen.map(async ({ path, source, label }) => {
      return { path, label, blob: new Blob([await source.read(0, source.size)]) };
    }),
  );
}

function labelText(target: PreparedData['rows'][number]['target'], labels: LabelMap | undefined): string {
  const nameOf = (id: number) => labels?.id2label[String(id)] ?? String(id);
  if (target?.kind === 'class') return nameOf(target.classId);
  if (target?.kind !== 'values') return '';
  if (labels?.problemType === 'regression') return [...target.values].map((value) => value.toPrecision(4)).join(', ');
  return [...target.values].flatMap((value, id) => (value === 1 ? [nameOf(id)] : [])).join(', ');
}

function inTurn<T>(lists: readonly (readonly T[])[], count: number): T[] {
  const longest = lists.reduce((most, { length }) => Math.max(most, length), 0);
  const taken: T[] = [];
  for (let i = 0; i < longest && taken.length < count; i++)
    for (const list of lists) if (i < list.length && taken.length < count) taken.push(list[i]!);
  return taken;
}
