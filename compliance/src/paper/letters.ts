/**
 * Letters on paper: the two faces, what of a text they can show, how wide it is, and where lines break. Noto Sans has Latin,
 * Greek and Cyrillic; what it has no glyph for, and what would steer the reader's eye (direction marks, controls), is
 * printed as its code point in brackets, as `[U+202E]`: nothing is lost and nothing deceives.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { create, type Font, type GlyphRun } from 'fontkit';

export type FaceName = 'regular' | 'bold';

const SUBSTITUTE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Words of letters that stand alone: no marks that combine, no ligatures that a reader would miss. */
const PLAIN = /^[ -~\u00A1-\u017E\u2010-\u201D]*$/;

type Run = Pick<GlyphRun, 'glyphs' | 'positions'> & { readonly width: number };

/** Words that a face remembers; beyond that it begins anew. */
const WORDS_MAX = 50_000;

/** One weight of the font. Laying out a word is most of the work, and documents repeat their words: each is laid out once. */
export class Face {
  readonly name: FaceName;
  readonly #font: Font;
  readonly #runs = new Map<string, Run>();
  readonly #units: number;

  constructor(name: FaceName, url: string) {
    const font = create(readFileSync(fileURLToPath(url)));
    if (!('layout' in font)) throw new TypeError('a collection of fonts, not a font');
    this.name = name;
    this.#font = font;
    this.#units = font.unitsPerEm;
  }

  #run(text: string): Run {
    const known = this.#runs.get(text);
    if (known !== undefined) return known;
    if (this.#runs.size >= WORDS_MAX) this.#runs.clear();
    const run = PLAIN.test(text) ? this.#plainRun(text) : this.#shapedRun(text);
    this.#runs.set(text, run);
    return run;
  }

  /** Glyph after glyph. The tables of the font have nothing to say of such words but kerning, which is left out: shaping costs ten times as much. */
  #plainRun(text: string): Run {
    const glyphs = this.#font.glyphsForString(text);
    const positions = glyphs.map(({ advanceWidth }) => ({
      xAdvance: advanceWidth,
      yAdvance: 0,
      xOffset: 0,
      yOffset: 0,
    }));
    return { glyphs, positions, width: glyphs.reduce((sum, { advanceWidth }) => sum + advanceWidth, 0) / this.#units };
  }

  #shapedRun(text: string): Run {
    const { glyphs, positions, advanceWidth } = this.#font.layout(text);
    return { glyphs, positions, width: advanceWidth / this.#units };
  }

  /** Width at size 1. */
  widthOf(text: string): number {
    return this.#run(text).width;
  }

  has(codePoint: number): boolean {
    return this.#font.hasGlyphForCodePoint(codePoint);
  }

  /** The font as pdfkit takes it. It scales the positions that it gets in place, so each call gives copies. */
  forPdf(): PDFKit.Mixins.PDFFontSource {
    const layout = (text: string): object => {
      // It asks for words with the blank behind them; words alone are measured for the line breaks already.
      const word = text.endsWith(' ') ? text.slice(0, -1) : text;
      const runs = [...(word === '' ? [] : [this.#run(word)]), ...(word === text ? [] : [this.#run(' ')])];
      const positions = runs.flatMap((run) => run.positions.map((one) => ({ ...one })));
      return {
        glyphs: runs.flatMap((run) => run.glyphs),
        positions,
        get advanceWidth(): number {
          return positions.reduce((sum, { xAdvance }) => sum + xAdvance, 0);
        },
      };
    };
    const view: object = Object.create(this.#font, { layout: { value: layout } });
    return view as PDFKit.Mixins.PDFFontSource;
  }
}

let loaded: Readonly<Record<FaceName, Face>> | undefined;

/** The faces; the font files are read at the first call. */
export function faces(): Readonly<Record<FaceName, Face>> {
  loaded ??= {
    regular: new Face(
      'regular',
      import.meta.resolve('@expo-google-fonts/noto-sans/400Regular/NotoSans_400Regular.ttf'),
    ),
    bold: new Face('bold', import.meta.resolve('@expo-google-fonts/noto-sans/700Bold/NotoSans_700Bold.ttf')),
  };
  return loaded;
}

function spell(char: string): string {
  return `[U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`;
}

/** Text as it can be printed: one line, every character shown or spelled out. */
export function printable(text: string): string {
  const { regular } = faces();
  const line = text.toWellFormed().replaceAll(/[\t\n\r]+/g, ' ');
  if (/^[ -~]*$/.test(line)) return line;
  return Array.from(line, (char) =>
    SUBSTITUTE.test(char) || !regular.has(char.codePointAt(0) ?? 0) ? spell(char) : char,
  ).join('');
}

/** A long word, cut where it fits: after a separator if there is one not too near the start, else anywhere between characters. */
function* pieces(word: string, face: Face, width: number): Generator<string> {
  let rest = Array.from(word);
  while (rest.length > 0) {
    let end = 0;
    let sum = 0;
    for (const char of rest) {
      sum += face.widthOf(char);
      if (sum > width && end > 0) break;
      end += 1;
    }
    if (end < rest.length) {
      const cut = rest.slice(0, end).findLastIndex((char) => '/-._,;:|'.includes(char)) + 1;
      if (cut > end / 4) end = cut;
    }
    yield rest.slice(0, end).join('');
    rest = rest.slice(end);
  }
}

/** Lines of a printable text that are at most `width` wide at `size`. */
export function wrap(text: string, face: Face, size: number, width: number): string[] {
  const most = width / size;
  const space = face.widthOf(' ');
  const lines: string[] = [];
  let line = '';
  let used = 0;
  for (const word of text.split(' ').filter((one) => one !== '')) {
    const wide = face.widthOf(word);
    if (line !== '' && used + space + wide <= most) {
      line = `${line} ${word}`;
      used += space + wide;
      continue;
    }
    if (line !== '') lines.push(line);
    const parts = wide <= most ? [word] : [...pieces(word, face, most)];
    line = parts.pop() ?? '';
    lines.push(...parts);
    used = face.widthOf(line);
  }
  if (line !== '') lines.push(line);
  return lines.length === 0 ? [''] : lines;
}
