type Attributes = Readonly<Record<string, unknown>>;

/** A number among an op's attributes. */
export function numberAttribute(op: string, attributes: Attributes, name: string): number {
  const value = attributes[name];
  if (typeof value !== 'number') throw new Error(`${op} needs a number as attribute ${name}, got ${String(value)}`);
  return value;
}

/** A list of numbers among an op's attributes. */
export function numbersAttribute(op: string, attributes: Attributes, name: string): readonly number[] {
  const value = attributes[name];
  if (!Array.isArray(value) || !value.every((item): item is number => typeof item === 'number'))
    throw new Error(`${op} needs a list of numbers as attribute ${name}, got ${String(value)}`);
  return value;
}

/** One of a few words among an op's attributes. */
export function choiceAttribute<Choice extends string>(
  op: string,
  attributes: Attributes,
  name: string,
  choices: readonly Choice[],
): Choice {
  const value = choices.find((choice) => choice === attributes[name]);
  if (value === undefined)
    throw new Error(
      `${op} needs attribute ${name} to be one of ${choices.join(', ')}, got ${String(attributes[name])}`,
    );
  return value;
}
