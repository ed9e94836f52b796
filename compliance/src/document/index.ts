/** Documents rendered from records: never typed twice, every sentence graded, gaps shown. */
export { buildDocuments } from './all.ts';
export {
  type Block,
  backingText,
  countGaps,
  DISCLAIMER,
  type Document,
  type Section,
  type Sentence,
  sentencesOf,
} from './document.ts';
export { escapeHtml, renderHtml } from './html.ts';
export { cellsOf, explain, type Records, recordsOf } from './records.ts';
