const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Characters that are never part of a larger cluster by themselves: those of most scripts without marks and joiners. */
const plain =
  '\\x20-\\x7e\\u00a1-\\u00a8\\u00aa-\\u00ac\\u00af-\\u02ff\\u0370-\\u0482\\u048a-\\u058f\\u05d0-\\u05ea\\u0620-\\u064a\\u10d0-\\u10ff\\u3041-\\u3096\\u30a1-\\u30fa\\u4e00-\\u9fff';
/** Characters that join the one after them (Grapheme_Cluster_Break=Prepend). */
const prepended =
  '\\u0600-\\u0605\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u0d4e\\u{110bd}\\u{110cd}\\u{111c2}\\u{111c3}\\u{113d1}\\u{1193f}\\u{11941}\\u{11a84}-\\u{11a89}\\u{11d46}\\u{11f02}';
/** A plain character alone, or one with whatever may belong to it. The segmenter is slow, the more so the longer the text. */
const clusterRun = new RegExp(
  `[${plain}](?![^${plain}])|[${plain}]?(?:[^${plain}${prepended}]|[${prepended}][${plain}]?)+`,
  'gu',
);

/** The extended grapheme clusters of a text (UAX #29), in order. */
export function* clustersOf(text: string): Generator<string> {
  for (const { 0: run } of text.matchAll(clusterRun)) {
    if (run.length === 1) yield run;
    else for (const { segment } of graphemes.segment(run)) yield segment;
  }
}
