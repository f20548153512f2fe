import type { Batch } from '../data/collate.ts';
import type { ModelDescription } from '../models/family.ts';

/**
 * The row of the table of learned positions for each of [B · (prompt + T)] tokens, counted up behind an adapter's prefix. Rows of a batch
 * are filled up to whole buckets, which may reach beyond the table: there its last row stands.
 *
 * RoBERTa counts no token that has its padding's id, not even inside a text (create_position_ids_from_input_ids of Transformers). Behind a
 * prompt it counts all: PEFT hands it embeddings, of which it cannot tell.
 * @param positions rows of the table that tokens may take
 */
export function positionIds(
  { batchSize, tokens, inputIds }: Pick<Batch, 'batchSize' | 'tokens' | 'inputIds'>,
  { firstPosition = 0, uncountedTokenId }: Pick<ModelDescription, 'firstPosition' | 'uncountedTokenId'>,
  { prompt, prefix, positions }: { readonly prompt: number; readonly prefix: number; readonly positions: number },
): Uint32Array {
  const length = prompt + tokens;
  const ids = new Uint32Array(batchSize * length);
  for (let row = 0; row < batchSize; row++) {
    let count = prefix;
    for (let i = 0; i < length; i++) {
      const isUncounted = prompt === 0 && inputIds[row * tokens + i] === uncountedTokenId;
      ids[row * length + i] = isUncounted ? firstPosition - 1 : firstPosition + Math.min(count++, positions - 1);
    }
  }
  return ids;
}
