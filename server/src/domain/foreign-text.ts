/** Text of strangers: characters that could pass for something else when they are shown are replaced before anything is kept. */

const REPLACEMENT = '\ufffd';
/** Control characters, halves of surrogates, and what turns the direction of writing. */
const HIDDEN = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** As one line. */
export function oneLine(text: string): string {
  return text
    .replace(/[\r\n\t]+/g, ' ')
    .replace(HIDDEN, REPLACEMENT)
    .trim();
}

/** With its lines. */
export function foreignLines(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(HIDDEN, (one) => (one === '\n' || one === '\t' ? one : REPLACEMENT))
    .trim();
}
