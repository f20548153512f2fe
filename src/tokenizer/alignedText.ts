/**
 * Text that remembers which part of the original each of its UTF-16 units came from, so that a token found in normalized
 * text can be pointed at in the text the user wrote. While nothing has changed a length, that is one number.
 */
export class AlignedText {
  /** starts/ends: for unit i of `text`, the original span [starts[i], ends[i]); absent while unit i is original unit base + i. */
  private constructor(
    readonly text: string,
    private readonly base: number,
    private readonly starts?: readonly number[],
    private readonly ends?: readonly number[],
  ) {}

  static of(text: string): AlignedText {
    return new AlignedText(text, 0);
  }

  /** Where unit i begins in the original; i may be the length, for an empty piece at the end. */
  startOf(i: number): number {
    if (!this.starts || !this.ends) return this.base + i;
    return i < this.starts.length ? this.starts[i]! : (this.ends[this.ends.length - 1] ?? this.base);
  }

  /** Where unit i − 1 ends in the original, that is, the original end of text[0, i). */
  endBefore(i: number): number {
    if (!this.ends) return this.base + i;
    return i > 0 ? this.ends[i - 1]! : this.startOf(0);
  }

  slice(from: number, to: number): AlignedText {
    if (from === 0 && to === this.text.length) return this;
    const text = this.text.slice(from, to);
    if (!this.starts || !this.ends) return new AlignedText(text, this.base + from);
    return new AlignedText(text, this.startOf(from), this.starts.slice(from, to), this.ends.slice(from, to));
  }

  /** The same text with every unit replaced by one other unit (a case fold of ASCII, a space by ▁). */
  withText(text: string): AlignedText {
    if (text.length !== this.text.length) throw new RangeError('withText needs a text of the same length.');
    return new AlignedText(text, this.base, this.starts, this.ends);
  }

  /** The text with `prefix` in front, which points at the first character, as in Rust's tokenizers. */
  prepend(prefix: string): AlignedText {
    const first = (this.text.codePointAt(0) ?? 0) > 0xffff ? 2 : Math.min(1, this.text.length);
    return this.rewrite().replace(0, first, prefix).copy(0, this.text.length).done();
  }

  /** Starts a new text made of parts of this one. */
  rewrite(): AlignedTextWriter {
    return new AlignedTextWriter(this, (text, starts, ends) => new AlignedText(text, this.startOf(0), starts, ends));
  }
}

type Build = (text: string, starts: number[], ends: number[]) => AlignedText;

/** Collects the parts of a rewritten text; see AlignedText.rewrite. */
export class AlignedTextWriter {
  private text = '';
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];

  constructor(
    private readonly source: AlignedText,
    private readonly build: Build,
  ) {}

  /** Source units [from, to) as they are. */
  copy(from: number, to: number): this {
    for (let i = from; i < to; i++) {
      this.starts.push(this.source.startOf(i));
      this.ends.push(this.source.endBefore(i + 1));
    }
    this.text += this.source.text.slice(from, to);
    return this;
  }

  /** `text`, which stands for source units [from, to). */
  replace(from: number, to: number, text: string): this {
    const start = this.source.startOf(from);
    const end = this.source.endBefore(to);
    for (let i = 0; i < text.length; i++) {
      this.starts.push(start);
      this.ends.push(end);
    }
    this.text += text;
    return this;
  }

  done(): AlignedText {
    return this.build(this.text, this.starts, this.ends);
  }
}
