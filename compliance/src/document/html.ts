/**
 * A document as one HTML file: no script, no remote part, readable by screen readers (landmarks, headings in order, tables with
 * captions and header cells), on paper (page breaks, links spelled out) and in the dark. Everything that comes from records is
 * text: it is escaped in one place, `escapeHtml`. Equal documents give equal bytes.
 */
import type { Block, Document, Section, Sentence } from './document.ts';
import { backingText, DISCLAIMER } from './document.ts';
import { STYLE } from './style.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for an element or a quoted attribute. Characters that HTML has no place for become U+FFFD. */
export function escapeHtml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[&<>"']/g, (one) => ESCAPES[one] ?? one)
    .replace(/[^\P{Cc}\t\n]|[\uFFFE\uFFFF]|[\u202A-\u202E\u2066-\u2069]/gu, '\uFFFD');
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
/** Words of this length and more may break behind a separator; shorter ones stay whole. */
const LONG_WORD = /\S{15,}/g;

/** Text of a cell: long names may break behind their separators, so that columns stay readable. */
function cellHtml(text: string): string {
  if (DAY.test(text)) return `<time>${text}</time>`;
  const marked = text
    .replaceAll('\u{F8FF}', '\uFFFD')
    .replace(LONG_WORD, (word) => word.replace(/(?<=[-/._,;:|])(?=.)/gu, '\u{F8FF}'));
  return escapeHtml(marked).replaceAll('\u{F8FF}', '<wbr>');
}

function anchorOf({ no }: Section): string {
  return `s${no.replace(/[^A-Za-z0-9]/g, '-')}`;
}

function sentenceHtml(sentence: Sentence): string {
  const { text, grade, backing } = sentence;
  const notes = backing.map((one) => `<li>${escapeHtml(backingText(sentence, one))}</li>`);
  const list = notes.length === 0 ? '' : `<ul class="backing">${notes.join('')}</ul>`;
  return `<li><p>${escapeHtml(text)} <span class="grade ${grade}">${grade}</span></p>${list}</li>`;
}

function tableHtml({ caption, head, rows, grade }: Extract<Block, { kind: 'table' }>): string {
  const heads = head.map((one) => `<th scope="col">${escapeHtml(one)}</th>`).join('');
  const body = rows.map((row) => {
    const cells = row.map((cell, at) =>
      at === 0 ? `<th scope="row">${cellHtml(cell)}</th>` : `<td>${cellHtml(cell)}</td>`,
    );
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<div class="table"><table><caption>${escapeHtml(caption)} <span class="grade ${grade}">${grade}</span></caption>
<thead><tr>${heads}</tr></thead>
<tbody>
${body.join('\n')}
</tbody></table></div>`;
}

function blockHtml(block: Block): string {
  switch (block.kind) {
    case 'text':
      return `<ul class="sentences">\n${block.sentences.map(sentenceHtml).join('\n')}\n</ul>`;
    case 'table':
      return tableHtml(block);
    case 'gap': {
      const wanted = block.wanted.map((one) => `<li>${escapeHtml(one)}</li>`).join('');
      const list = wanted === '' ? '' : `<ul>${wanted}</ul>`;
      return `<div class="gap" role="note"><p><strong>Gap.</strong> ${escapeHtml(block.text)}</p>${list}</div>`;
    }
    case 'note':
      return `<p class="note">${escapeHtml(block.text)}</p>`;
  }
}

function sectionHtml(section: Section): string {
  const { no, title, blocks, answers } = section;
  const answered = answers.length === 0 ? '' : `<p class="answers">Answers: ${escapeHtml(answers.join('; '))}</p>\n`;
  return `<section id="${anchorOf(section)}" aria-labelledby="${anchorOf(section)}-title">
<h2 id="${anchorOf(section)}-title">${escapeHtml(no)} ${escapeHtml(title)}</h2>
${answered}${blocks.map(blockHtml).join('\n')}
</section>`;
}

/** Renders a document. */
export function renderHtml(document: Document): string {
  const { title, product, models, on, editions, sections } = document;
  const contents = sections.map(
    (one) => `<li><a href="#${anchorOf(one)}">${escapeHtml(one.no)} ${escapeHtml(one.title)}</a></li>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)} – ${escapeHtml(product)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}</h1>
<dl>
<div><dt>Product</dt><dd>${escapeHtml(product)}</dd></div>
<div><dt>Models</dt><dd>${escapeHtml(models.join(', '))}</dd></div>
<div><dt>As of</dt><dd><time datetime="${escapeHtml(on)}">${escapeHtml(on)}</time></dd></div>
</dl>
<p class="disclaimer">${escapeHtml(DISCLAIMER)}</p>
</header>
<nav aria-label="Contents"><ol>
${contents.join('\n')}
</ol></nav>
<main>
${sections.map(sectionHtml).join('\n')}
</main>
<footer><h2>Editions</h2><ul>${editions.map((one) => `<li>${escapeHtml(one)}</li>`).join('')}</ul></footer>
</body>
</html>
`;
}
