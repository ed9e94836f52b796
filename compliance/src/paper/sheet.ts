/**
 * Pages: the cursor, what is left of a page, and drawing with tags. Everything that is drawn either belongs to an element of the
 * structure tree (PDF 1.7 §14.7), which is what screen readers read, or is an artifact (rules, page numbers). Bytes depend on
 * what is drawn only: the date inside is the day that the document is about, and the file identifier comes from title and day.
 */
import PDFDocument from 'pdfkit';
import { type FaceName, faces, printable, wrap } from './letters.ts';

export const PAGE = { width: 595.28, height: 841.89, left: 50, right: 50, top: 56, bottom: 62 } as const;
export const COLUMN = PAGE.width - PAGE.left - PAGE.right;
const FLOOR = PAGE.height - PAGE.bottom;
export const LEADING = 1.38;

export const INK = {
  text: '#1b1f24',
  soft: '#57606a',
  rule: '#c9d1d9',
  wash: '#f3f5f7',
  gap: '#8f2d0c',
  gapWash: '#fff4ed',
};

export type Element = PDFKit.PDFStructureElement;

export type Style = { readonly face: FaceName; readonly size: number; readonly colour: string };

export const STYLES = {
  title: { face: 'bold', size: 21, colour: INK.text },
  heading: { face: 'bold', size: 13, colour: INK.text },
  body: { face: 'regular', size: 9.5, colour: INK.text },
  strong: { face: 'bold', size: 9.5, colour: INK.text },
  small: { face: 'regular', size: 8, colour: INK.soft },
  cell: { face: 'regular', size: 7.5, colour: INK.text },
  cellHead: { face: 'bold', size: 7.5, colour: INK.text },
  gap: { face: 'regular', size: 9, colour: INK.gap },
  gapStrong: { face: 'bold', size: 9, colour: INK.gap },
} as const satisfies Record<string, Style>;

export type About = { readonly title: string; readonly subject: string; readonly author: string; readonly on: string };

/** Options of structure elements that the types of the package lack. */
type ElementOptions = PDFKit.Mixins.StructureElementOptions & { scope?: 'Row' | 'Column' };

export class Sheet {
  readonly pdf: PDFKit.PDFDocument;
  readonly #root: Element;
  y: number = PAGE.top;

  constructor({ title, subject, author, on }: About) {
    const { regular, bold } = faces();
    const options = {
      size: [PAGE.width, PAGE.height] as [number, number],
      margins: { left: PAGE.left, right: PAGE.right, top: 0, bottom: 0 },
      pdfVersion: '1.7',
      lang: 'en',
      tagged: true,
      displayTitle: true,
      bufferPages: true,
      autoFirstPage: false,
      info: {
        Title: printable(title),
        Subject: printable(subject),
        Author: printable(author),
        CreationDate: new Date(`${on}T00:00:00Z`),
      },
      // Nothing in place of a font's name keeps the package from Helvetica, which it would not embed.
      font: '',
    } as const;
    this.pdf = new PDFDocument(options);
    this.pdf.registerFont('regular', regular.forPdf());
    this.pdf.registerFont('bold', bold.forPdf());
    this.#root = this.pdf.struct('Document');
    this.pdf.addStructure(this.#root);
    this.pdf.addPage();
  }

  element(tag: string, parent: Element = this.#root, options: ElementOptions = {}): Element {
    const made = this.pdf.struct(tag, options);
    parent.add(made);
    return made;
  }

  /** What is left of the page. */
  get room(): number {
    return FLOOR - this.y;
  }

  get isAtTop(): boolean {
    return this.y === PAGE.top;
  }

  nextPage(): void {
    this.pdf.addPage();
    this.y = PAGE.top;
  }

  /** Goes to the next page unless so much is left. */
  need(height: number): void {
    if (height > this.room && !this.isAtTop) this.nextPage();
  }

  space(height: number): void {
    if (!this.isAtTop) this.y += height;
  }

  /** One line at a place, as content of an element. */
  line(text: string, x: number, y: number, style: Style, element: Element): void {
    const tag = 'Span';
    const content = this.pdf.markStructureContent(tag);
    this.#put(text, x, y, style);
    this.pdf.endMarkedContent();
    element.add(content);
  }

  /** Lines of one element that stand together on this page: one piece of marked content. */
  lines(texts: readonly string[], x: number, y: number, style: Style, element: Element): void {
    if (texts.length === 0) return;
    const content = this.pdf.markStructureContent('Span');
    for (const [at, text] of texts.entries()) this.#put(text, x, y + at * style.size * LEADING, style);
    this.pdf.endMarkedContent();
    element.add(content);
  }

  #put(text: string, x: number, y: number, { face, size, colour }: Style): void {
    // A blank at the end keeps words apart for those who copy or search across lines.
    this.pdf.font(face, size).fillColor(colour).text(`${text} `, x, y, { lineBreak: false });
  }

  /** Text that flows over pages. */
  flow(text: string, style: Style, element: Element, indent = 0): void {
    const height = style.size * LEADING;
    for (const line of wrap(printable(text), faces()[style.face], style.size, COLUMN - indent)) {
      this.need(height);
      this.line(line, PAGE.left + indent, this.y, style, element);
      this.y += height;
    }
  }

  /** What carries no meaning of its own. */
  artifact(draw: (pdf: PDFKit.PDFDocument) => void): void {
    this.pdf.markContent('Artifact', { type: 'Layout' });
    draw(this.pdf);
    this.pdf.endMarkedContent();
  }

  rule(y: number, colour: string = INK.rule): void {
    this.artifact((pdf) => {
      pdf
        .moveTo(PAGE.left, y)
        .lineTo(PAGE.width - PAGE.right, y)
        .lineWidth(0.5)
        .stroke(colour);
    });
  }

  /** Ends the document. */
  async bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    this.#root.end();
    this.pdf.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    const ended = new Promise<void>((resolve, reject) => {
      this.pdf.on('end', () => {
        resolve();
      });
      this.pdf.on('error', reject);
    });
    this.pdf.end();
    await ended;
    return Buffer.concat(chunks);
  }
}
