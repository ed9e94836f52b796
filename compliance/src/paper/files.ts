/**
 * All documents of a product as files, one after the other so that only one is held at a time: each as HTML for the screen and
 * as PDF for the archive, and what machines read (OSCAL, CycloneDX). Equal records give equal bytes, so a digest says whether records changed.
 */
import { createHash } from 'node:crypto';
import { buildDocuments, countGaps, type Records, renderHtml } from '../document/index.ts';
import { countStates } from '../gap/index.ts';
import { renderAttestation } from './cyclonedx.ts';
import { renderOscal } from './oscal.ts';
import { renderPdf } from './pdf.ts';

export type PaperFile = {
  /** Path inside the folder of the documents. */
  readonly name: string;
  readonly title: string;
  /** How many gaps the document shows; for machines: how many requirements are open. */
  readonly gaps: number;
  readonly sha256: string;
  readonly bytes: Uint8Array;
};

function fileOf(name: string, title: string, gaps: number, content: string | Uint8Array): PaperFile {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return { name, title, gaps, sha256: createHash('sha256').update(bytes).digest('hex'), bytes };
}

/** Renders every document of a product. */
export async function* renderFiles(records: Records): AsyncGenerator<PaperFile> {
  for (const document of buildDocuments(records)) {
    const { name, title } = document;
    const gaps = countGaps(document);
    yield fileOf(`${name}.html`, title, gaps, renderHtml(document));
    yield fileOf(`${name}.pdf`, title, gaps, await renderPdf(document));
  }
  for (const model of records.product.models) {
    const open = countStates(records.cells, model.id).gap;
    const name = `${model.id}/attestation.cdx.json`;
    yield fileOf(name, 'CycloneDX attestations', open, renderAttestation(records, model));
  }
  const open = records.product.models.reduce((sum, { id }) => sum + countStates(records.cells, id).gap, 0);
  yield fileOf('oscal-component-definition.json', 'OSCAL component definition', open, renderOscal(records));
}
