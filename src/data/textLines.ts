import { UserError } from '../formats/errors.ts';
import type { ByteSource } from '../formats/byteSource.ts';
import { yieldToEventLoop } from './yieldToEventLoop.ts';

/** Told now and then how many bytes of how many have been read. */
export type OnProgress = (bytesRead: number, bytesTotal: number) => void;

const sliceBytes = 1 << 20;
const lineFeed = 0x0a;

/**
 * Reads a file slice by slice as UTF-8 text, whole lines (each with its line end) or at least whole characters at a time,
 * letting the event loop run between slices. A byte order mark is dropped. Throws a UserError that names the line and the
 * byte where it is not UTF-8.
 */
export async function* readTextSlices(
  source: ByteSource,
  wholes: 'lines' | 'characters',
  onProgress?: OnProgress,
): AsyncGenerator<string> {
  let rest = new Uint8Array(0);
  let line = 1;
  for (let start = 0; start < source.size; start += sliceBytes) {
    const end = Math.min(source.size, start + sliceBytes);
    const bytes = joinBytes(rest, await source.read(start, end));
    const offset = start - rest.length;
    if (offset === 0) refuseUtf16(bytes, source.name);
    const whole = wholes === 'lines' ? bytes.lastIndexOf(lineFeed) + 1 : wholeCharacters(bytes);
    const cut = end === source.size ? bytes.length : whole;
    const text = decodeStrictly(bytes.subarray(0, cut), source.name, offset, line);
    rest = bytes.slice(cut);
    line += countLineFeeds(bytes, cut);
    onProgress?.(end, source.size);
    if (text !== '') yield offset === 0 && text.startsWith('\ufeff') ? text.slice(1) : text;
    await yieldToEventLoop();
  }
}

/** How many bytes there are without a character that may go on in the next slice. */
function wholeCharacters(bytes: Uint8Array): number {
  let lead = bytes.length - 1;
  while (lead > 0 && bytes.length - lead < 4 && (bytes[lead]! & 0xc0) === 0x80) lead--;
  return (bytes[lead] ?? 0) >= 0xc0 ? lead : bytes.length;
}

function decodeStrictly(bytes: Uint8Array, name: string, offset: number, firstLine: number): string {
  try {
    return strict.decode(bytes);
  } catch {
    const at = firstBadByte(bytes);
    throw new UserError(
      `${name} is not UTF-8 text: byte ${offset + at} (line ${firstLine + countLineFeeds(bytes, at)}) fits no character. ` +
        'Save the file as UTF-8.',
    );
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The first byte at which the bytes before are whole characters and it cannot begin one: by halving, since prefixes only get worse. */
function firstBadByte(bytes: Uint8Array): number {
  let good = 0;
  let bad = bytes.length;
  const isGood = (length: number): boolean => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  while (good < bad) {
    const middle = (good + bad + 1) >> 1;
    if (isGood(middle)) good = middle;
    else bad = middle - 1;
  }
  return good;
}

function refuseUtf16(bytes: Uint8Array, name: string): void {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw new UserError(`${name} is UTF-16 text (its first two bytes, at byte 0, say so). Save the file as UTF-8.`);
  }
}

function countLineFeeds(bytes: Uint8Array, before: number): number {
  let count = 0;
  for (let at = bytes.indexOf(lineFeed); at >= 0 && at < before; at = bytes.indexOf(lineFeed, at + 1)) count++;
  return count;
}

function joinBytes(head: Uint8Array<ArrayBuffer>, tail: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (head.length === 0) return tail;
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}

/** The largest file that is read into one string (JSON and CSV need to be); beyond it, JSON lines are the way. */
const wholeTextLimit = 256 << 20;

/** Reads a whole file as text. Throws a UserError where it is too large for that. */
export async function readWholeText(source: ByteSource, onProgress?: OnProgress): Promise<string> {
  if (source.size > wholeTextLimit) {
    throw new UserError(
      `${source.name} is too large to be read at once (${Math.round(source.size / 2 ** 20)} MB, the limit is 256). ` +
        'Save it as .jsonl, one row a line, which is read piece by piece.',
    );
  }
  const slices: string[] = [];
  for await (const slice of readTextSlices(source, 'characters', onProgress)) slices.push(slice);
  return slices.join('');
}
