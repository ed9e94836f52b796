/**
 * A document as PDF: title, contents with page numbers and links, sections with bookmarks, page numbers in the foot. The same
 * data as the HTML, block by block; equal documents give equal bytes.
 */
import { type Block, backingText, DISCLAIMER, type Document, type Section, type Sentence } from '../document/index.ts';

import { faces, printable, wrap } from './letters.ts';
import { COLUMN, type Element, INK, LEADING, PAGE, Sheet, STYLES } from './sheet.ts';
import { drawTable } from './table.ts';

const INDENT = 12;

function facts(sheet: Sheet, { product, models, on }: Document): void {
  for (const [name, value] of [
    ['Product', product],
    ['Models', models.join(', ')],
    ['As of', on],
  ] as const) {
    const paragraph = sheet.element('P');
    const label = printable(`${name}: `);
    sheet.line(label, PAGE.left, sheet.y, STYLES.small, paragraph);
    const at = 52;
    sheet.flow(value, STYLES.strong, paragraph, at);
    sheet.y += 2;
  }
}

function drawSentence(sheet: Sheet, sentence: Sentence, list: Element): void {
  const { text, grade, backing } = sentence;
  const item = sheet.element('LI', list);
  const body = sheet.element('LBody', item);
  sheet.need(STYLES.body.size * LEADING * (backing.length > 0 ? 2 : 1));
  sheet.artifact((pdf) => {
    pdf.circle(PAGE.left + 3, sheet.y + 7, 1.4).fill(INK.soft);
  });
  sheet.flow(`${text} [${grade}]`, STYLES.body, body, INDENT);
  for (const one of backing) sheet.flow(backingText(sentence, one), STYLES.small, sheet.element('P', body), INDENT * 2);
  sheet.y += 3;
}

/** A gap has a bar at its side on every page that it is on. */
function drawGap(sheet: Sheet, { text, wanted }: Extract<Block, { kind: 'gap' }>): void {
  const division = sheet.element('Div');
  sheet.space(4);
  const barred = (words: string, strong: boolean, element: Element, indent: number): void => {
    const style = strong ? STYLES.gapStrong : STYLES.gap;
    const height = style.size * LEADING;
    for (const line of wrap(printable(words), faces()[style.face], style.size, COLUMN - indent)) {
      sheet.need(height);
      const { y } = sheet;
      sheet.artifact((pdf) => {
        pdf.rect(PAGE.left, y - 1, COLUMN, height + 0.4).fill(INK.gapWash);
        pdf.rect(PAGE.left, y - 1, 2, height + 0.4).fill(INK.gap);
      });
      sheet.line(line, PAGE.left + indent, y, style, element);
      sheet.y += height;
    }
  };
  barred(`Gap. ${text}`, true, sheet.element('P', division), INDENT);
  if (wanted.length > 0) {
    const list = sheet.element('L', division);
    for (const one of wanted) {
      const body = sheet.element('LBody', sheet.element('LI', list));
      barred(`– ${one}`, false, body, INDENT + 6);
    }
  }
  sheet.space(8);
}

function drawBlock(sheet: Sheet, block: Block): void {
  switch (block.kind) {
    case 'text': {
      const list = sheet.element('L');
      for (const sentence of block.sentences) drawSentence(sheet, sentence, list);
      sheet.space(4);
      return;
    }
    case 'table':
      drawTable(sheet, block);
      return;
    case 'gap':
      drawGap(sheet, block);
      return;
    case 'note':
      sheet.flow(block.text, STYLES.small, sheet.element('P'));
      sheet.space(6);
  }
}

type Entry = { readonly element: Element; readonly page: number; readonly y: number; readonly label: string };
type Reached = { readonly page: number };

function pageCount(sheet: Sheet): number {
  return sheet.pdf.bufferedPageRange().count;
}

/** The list of contents; page numbers are put in when they are known. */
function drawContents(sheet: Sheet, sections: readonly Section[]): Entry[] {
  const contents = sheet.element('TOC');
  return sections.map(({ no, title }) => {
    const height = STYLES.body.size * LEADING + 1;
    const label = printable(`${no}  ${title}`);
    const [first = ''] = wrap(label, faces().regular, STYLES.body.size, COLUMN - 40);
    sheet.need(height);
    const element = sheet.element('TOCI', contents);
    const entry = { element, page: pageCount(sheet) - 1, y: sheet.y, label: first };
    sheet.line(first, PAGE.left, sheet.y, STYLES.body, element);
    sheet.pdf.goTo(PAGE.left, sheet.y, COLUMN, height, `section ${no}`);
    sheet.y += height;
    return entry;
  });
}

function drawSection(sheet: Sheet, { no, title, blocks, answers }: Section): Reached {
  sheet.space(12);
  sheet.need(STYLES.heading.size * LEADING + 60);
  if (!sheet.isAtTop) {
    sheet.rule(sheet.y);
    sheet.y += 8;
  }
  const { y } = sheet;
  const page = pageCount(sheet);
  sheet.pdf.addNamedDestination(`section ${no}`, 'XYZ', 0, y - 8, null);
  const bookmark = { expanded: false, top: y - 8, left: PAGE.width };
  sheet.pdf.outline.addItem(printable(`${no} ${title}`), bookmark);
  sheet.flow(`${no} ${title}`, STYLES.heading, sheet.element('H2'));
  if (answers.length > 0) sheet.flow(`Answers: ${answers.join('; ')}`, STYLES.small, sheet.element('P'));
  sheet.y += 4;
  for (const block of blocks) drawBlock(sheet, block);
  return { page };
}

function numberContents(sheet: Sheet, entries: readonly Entry[], reached: readonly Reached[]): void {
  for (const [at, { element, page, y, label }] of entries.entries()) {
    const target = reached[at]?.page ?? 0;
    sheet.pdf.switchToPage(page);
    const text = String(target);
    const { regular } = faces();
    const x = PAGE.width - PAGE.right - regular.widthOf(text) * STYLES.body.size;
    const from = PAGE.left + regular.widthOf(label) * STYLES.body.size + 8;
    sheet.artifact((pdf) => {
      pdf
        .moveTo(from, y + STYLES.body.size * 1.08)
        .lineTo(x - 6, y + STYLES.body.size * 1.08)
        .lineWidth(0.6)
        .dash(0.6, { space: 2.4 })
        .stroke(INK.rule)
        .undash();
    });
    sheet.line(text, x, y, STYLES.body, element);
  }
}

function drawFeet(sheet: Sheet, document: Document): void {
  const count = pageCount(sheet);
  const { regular } = faces();
  const left = printable(`${document.title} – ${document.product} – ${document.models.join(', ')} – ${document.on}`);
  const [shown = ''] = wrap(left, regular, STYLES.small.size, COLUMN - 90);
  for (let at = 0; at < count; at += 1) {
    sheet.pdf.switchToPage(at);
    const no = `Page ${at + 1} of ${count}`;
    const y = PAGE.height - PAGE.bottom + 24;
    sheet.pdf.markContent('Artifact', { type: 'Pagination', attached: ['Bottom'] });
    sheet.pdf.font('regular', STYLES.small.size).fillColor(INK.soft);
    sheet.pdf.text(shown, PAGE.left, y, { lineBreak: false });
    const x = PAGE.width - PAGE.right - regular.widthOf(no) * STYLES.small.size;
    sheet.pdf.text(no, x, y, { lineBreak: false });
    sheet.pdf.endMarkedContent();
  }
}

/** Renders a document. */
export async function renderPdf(document: Document): Promise<Uint8Array> {
  const { title, product, models, on, sections, editions } = document;
  const sheet = new Sheet({ title: `${title} – ${product}`, subject: models.join(', '), author: 'Pawl', on });
  sheet.flow(title, STYLES.title, sheet.element('H1'));
  sheet.y += 6;
  facts(sheet, document);
  sheet.y += 6;
  sheet.flow(DISCLAIMER, STYLES.small, sheet.element('P'));
  sheet.y += 14;
  sheet.flow('Contents', STYLES.heading, sheet.element('H2'));
  sheet.y += 2;
  const entries = drawContents(sheet, [...sections]);
  const reached = sections.map((one) => drawSection(sheet, one));
  sheet.space(12);
  sheet.need(60);
  sheet.flow('Editions', STYLES.heading, sheet.element('H2'));
  const list = sheet.element('L');
  for (const one of editions) sheet.flow(one, STYLES.small, sheet.element('LBody', sheet.element('LI', list)));
  numberContents(sheet, entries, reached);
  drawFeet(sheet, document);
  return sheet.bytes();
}
