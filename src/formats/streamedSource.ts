import type { ByteSource } from './byteSource.ts';

/** A file that is made while it is read; ranges must follow on one another, from 0 on. */
export function streamedSource(name: string, size: number, chunks: AsyncIterator<Uint8Array>): ByteSource {
  let position = 0;
  let rest: Uint8Array = new Uint8Array(0);
  return {
    name,
    size,
    async read(start, end) {
      if (start !== position) throw new Error(`${name} is read at ${start} and stands at ${position}`);
      const bytes = new Uint8Array(end - start);
      let filled = 0;
      while (filled < bytes.length) {
        if (rest.length === 0) {
          const next = await chunks.next();
          if (next.done) throw new Error(`${name} ended ${bytes.length - filled} bytes early`);
          rest = next.value;
          continue;
        }
        const taken = rest.subarray(0, bytes.length - filled);
        bytes.set(taken, filled);
        filled += taken.length;
        rest = rest.subarray(taken.length);
      }
      position = end;
      return bytes;
    },
  };
}
