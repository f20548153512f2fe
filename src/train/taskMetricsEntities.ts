/** A named entity in a list of words: what it is, its first word and its last. */
interface Entity {
  readonly type: string;
  readonly first: number;
  readonly last: number;
}

/** Precision, recall and F1 of whole entities of all types together; 0 where there is nothing to count. */
export interface EntityScores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/**
 * Whether labels mark the words of entities: O outside of one, B- where it begins, I- inside, with E- and S- also where it ends and where
 * it is a word alone.
 */
export function areEntityTags(names: readonly string[]): boolean {
  return names.every((name) => /^([BIES]-.|O$)/.test(name)) && names.some((name) => /^[BI]-/.test(name));
}

/**
 * Scores of entities that are right in type, beginning and end, as seqeval 1.2 counts them in its default mode.
 * @param predicted,actual labels of the words, row by row
 */
export function entityScores(
  predicted: readonly (readonly string[])[],
  actual: readonly (readonly string[])[],
): EntityScores {
  const totals = { predicted: 0, actual: 0, both: 0 };
  actual.forEach((row, i) => {
    const wanted = new Set(entitiesOf(row).map(keyOf));
    const found = entitiesOf(predicted[i] ?? []).map(keyOf);
    totals.actual += wanted.size;
    totals.predicted += found.length;
    totals.both += found.filter((entity) => wanted.has(entity)).length;
  });
  const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
  return {
    precision: share(totals.both, totals.predicted),
    recall: share(totals.both, totals.actual),
    f1: share(2 * totals.both, totals.predicted + totals.actual),
  };
}

const keyOf = ({ type, first, last }: Entity) => `${first} ${last} ${type}`;

/** A word begins an entity where its label says so, and where an entity goes on that none has begun: I- after O, or of another type. */
function entitiesOf(labels: readonly string[]): Entity[] {
  const entities: Entity[] = [];
  let before = outside;
  let first = 0;
  [...labels, 'O'].forEach((label, i) => {
    const tag = tagOf(label);
    if (endsBefore(before, tag)) entities.push({ type: before.type, first, last: i - 1 });
    if (beginsAt(before, tag)) first = i;
    before = tag;
  });
  return entities;
}

interface Tag {
  /** B, I, E, S or O */
  readonly mark: string;
  readonly type: string;
}

const outside: Tag = { mark: 'O', type: '' };

function tagOf(label: string): Tag {
  return label === 'O' ? outside : { mark: label.slice(0, 1), type: label.slice(2) };
}

function endsBefore(before: Tag, tag: Tag): boolean {
  if (before.mark === 'O') return false;
  const goesOn = tag.mark === 'I' || tag.mark === 'E';
  return before.mark === 'E' || before.mark === 'S' || !goesOn || before.type !== tag.type;
}

function beginsAt(before: Tag, tag: Tag): boolean {
  if (tag.mark === 'O') return false;
  const isOpen = before.mark === 'B' || before.mark === 'I';
  return tag.mark === 'B' || tag.mark === 'S' || !isOpen || before.type !== tag.type;
}
