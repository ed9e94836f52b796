/** Documents as files: HTML and PDF. Its own door, because the PDF library is large and most commands never need it. */
export { type PaperFile, renderFiles } from './files.ts';
export { renderPdf } from './pdf.ts';
