import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { PdfFolder, skipWithoutPoppler } from '../../test/poppler.ts';
import { loadCatalogues } from '../catalogue/index.ts';
import { buildDocuments, type Document, recordsOf, sentencesOf } from '../document/index.ts';
import { type Product, parseProductYaml } from '../product/index.ts';
import { renderFiles, renderPdf } from './index.ts';

const HEARTH = parseProductYaml(
  readFileSync(new URL('../../../examples/products/hearth.yaml', import.meta.url), 'utf8'),
  'hearth.yaml',
);
const LIBRARY = loadCatalogues();
const recordsFor = (product: Product) =>
  recordsOf({ library: LIBRARY, product, evidence: [], waivers: [], on: '2028-02-29' });

function find(product: Product, name: string): Document {
  const found = buildDocuments(recordsFor(product)).find((one) => one.name === name);
  assert.ok(found !== undefined, name);
  return found;
}

const squeeze = (text: string): string => text.replaceAll(/\s+/g, '');

/** Everything that a document says, in its order, without the table heads. */
function saidBy(document: Document): string[] {
  return document.sections.flatMap(({ title, blocks }) => [
    title,
    ...blocks.flatMap((block) => {
      switch (block.kind) {
        case 'table':
          return [block.caption, ...block.head, ...block.rows.flat()];
        case 'gap':
          return [block.text, ...block.wanted];
        case 'note':
          return [block.text];
        case 'text':
          return block.sentences.map(({ text }) => text);
      }
    }),
  ]);
}

test('a PDF of the same document has the same bytes, in whatever time zone it is made, and the day is the document’s', async () => {
  const document = find(HEARTH, 'gateway/threat-model');
  const first = await renderPdf(document);
  const zone = process.env['TZ'];
  try {
    process.env['TZ'] = 'Pacific/Kiritimati';
    assert.deepEqual(await renderPdf(document), first);
  } finally {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  }
  assert.ok(Buffer.from(first).includes('(D:20280229000000Z)'));
  assert.notDeepEqual(await renderPdf({ ...document, on: '2028-03-01' }), first);
});

test('each document comes as HTML and as PDF, with the same gaps', async () => {
  const names = new Map<string, number>();
  const [gateway] = HEARTH.models;
  assert.ok(gateway !== undefined);
  for await (const { name, gaps } of renderFiles(recordsFor({ ...HEARTH, models: [gateway] }))) names.set(name, gaps);
  const pages = [...names].filter(([name]) => name.endsWith('.html'));
  assert.equal(pages.length, [...names.keys()].filter((name) => name.endsWith('.pdf')).length);
  for (const [name, gaps] of pages) assert.equal(names.get(name.replace(/html$/, 'pdf')), gaps, name);
});

describe('read by another program', { skip: skipWithoutPoppler() }, () => {
  const bench = new PdfFolder();
  after(() => {
    bench.close();
  });
  const write = async (name: string, document: Document): Promise<void> => {
    bench.write(name, await renderPdf(document));
  };

  test('a PDF has a title, a language, tags, and a structure that reads everything the document says', async () => {
    const document = find(HEARTH, 'sensor/en-18031-forms');
    await write('forms.pdf', document);
    const info = bench.run('pdfinfo forms.pdf');
    assert.match(info, /^Title: +EN 18031 assessment forms – Hearth home line$/m);
    assert.match(info, /^Tagged: +yes$/m);
    assert.match(info, /^JavaScript: +no$/m);
    assert.match(bench.run('qpdf --check forms.pdf'), /No syntax or stream encoding errors/);
    const catalog = bench.run('qpdf --json=2 --json-key=qpdf forms.pdf');
    assert.match(catalog, /"\/Lang": "u:en"/);
    assert.match(catalog, /"\/DisplayDocTitle": true/);
    const tree = bench.run('pdfinfo -struct-text forms.pdf');
    for (const tag of ['H1', 'H2', 'TOC', 'TOCI', 'Table', 'Caption', 'TR', 'TH', 'TD', 'L', 'LI'])
      assert.match(tree, new RegExp(`^ *${tag}\\b`, 'm'), tag);
    const read = squeeze(Array.from(tree.matchAll(/"(.*)"$/gm), ([, text]) => text ?? '').join(''));
    const missing = saidBy(document).filter((text) => !read.includes(squeeze(text)));
    assert.deepEqual(missing, []);
  });

  test('every section has a bookmark and a place that the contents lead to, and all words are inside the margins', async () => {
    const document = find(HEARTH, 'gateway/security-architecture');
    await write('architecture.pdf', document);
    const places = bench.run('pdfinfo -dests architecture.pdf');
    const outline = bench.run('qpdf --json=2 --json-key=outlines architecture.pdf');
    for (const { no, title } of document.sections) {
      assert.ok(places.includes(`"section ${no}"`), no);
      assert.ok(outline.includes(JSON.stringify(`${no} ${title}`)), title);
    }
    const words = bench.run('pdftotext -bbox architecture.pdf -');
    const [width, height] = [595.28, 841.89];
    let count = 0;
    for (const [, left, top, right, bottom] of words.matchAll(
      /xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)"/g,
    )) {
      count += 1;
      assert.ok(Number(left) >= 40 && Number(right) <= width - 40, `${left} ${right}`);
      assert.ok(Number(top) >= 40 && Number(bottom) <= height - 10, `${top} ${bottom}`);
    }
    assert.ok(count > 5000);
  });

  test('Greek and Cyrillic are printed, what has no glyph or steers the eye is spelled out', async () => {
    const document = find(
      { ...HEARTH, name: 'Εστία — Очаг Żółw', purpose: 'Read 温 and \u202Ethis; <script>(\\)%PDF\u0000 שלום' },
      'gateway/user-information',
    );
    await write('letters.pdf', document);
    const text = squeeze(bench.run('pdftotext -raw letters.pdf -'));
    assert.ok(text.includes(squeeze('Εστία — Очаг Żółw')));
    assert.ok(text.includes('Read[U+6E29]and[U+202E]this;<script>(\\)%PDF[U+0000][U+05E9]'));
    assert.ok([...sentencesOf(document)].length > 0);
  });

  test('a word without a place to break, and a row longer than a page, are cut and not lost', async () => {
    const long = 'x'.repeat(400);
    const cell = Array.from({ length: 1500 }, (_, at) => `w${at}`).join(' ');
    await write('long.pdf', {
      ...find(HEARTH, 'status-letter'),
      sections: [
        {
          no: '1',
          title: long,
          answers: [],
          blocks: [
            {
              kind: 'table',
              caption: 'c',
              head: ['a', 'b'],
              rows: [
                [long, cell],
                ['end', 'of it'],
              ],
              grade: 'claimed',
            },
          ],
        },
      ],
    });
    const text = bench.run('pdftotext -raw long.pdf -');
    assert.equal(text.match(/\bw\d+\b/g)?.length, 1500);
    assert.ok(squeeze(text).includes(long));
    assert.ok(squeeze(text).includes('endofit'));
  });
});
