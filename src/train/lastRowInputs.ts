import type { Batch } from '../data/collate.ts';

/**
 * The position of each row that a causal model's classifier reads, among the [B · (prompt + T)] of all rows: as Transformers 5 finds it
 * (GenericForSequenceClassification), the last token that does not have the padding's id, even where a text ends with that id.
 *
 * Behind a prompt PEFT hands the model embeddings instead of ids, in which padding cannot be told, and then the head reads the last
 * position of the batch (Transformers warns of it): in a shorter row that of a padding token, which sees the whole row, since attention
 * still leaves padding out. A run learns from the same position, so that it comes to PEFT's numbers. What is evaluated or used is
 * read as PEFT reads a row by itself, at its own end: there no other row decides where that is.
 * @param prompt virtual tokens in front of each row
 */
export function lastRowInputs(
  { inputIds, lengths, padTokenId, tokens }: Batch,
  prompt: number,
  isTraining: boolean,
): Uint32Array {
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  return lengths.map((length, row) => {
    const start = row * (prompt + tokens) + prompt;
    if (prompt > 0) return start + (isTraining ? longest : length) - 1;
    let last = length - 1;
    while (last > 0 && inputIds[row * tokens + last] === padTokenId) last--;
    return start + last;
  });
}
