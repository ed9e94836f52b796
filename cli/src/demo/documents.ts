/**
 * After the proof: what it is worth on paper. The bundle of this run is the evidence for a product line of three models: the
 * hub that was updated and attacked, a sensor whose boot loader checks no signature, and the hub under another brand, of
 * which no device has signed anything yet. The matrix must tell them apart; all documents are written.
 */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stage } from './stage.ts';
import type { ResultRow } from './view.ts';

const PRODUCT = 'hub.yaml';
/** Older firmware must be refused (RFC 9124): shown only by what devices of the model signed. */
const FORWARD = 'RFC-9124 REQ.SEC.SEQUENCE';
const EXPECTED: Readonly<Record<string, string>> = { hub: 'met', sensor: 'gap', 'hub-lumen': 'gap' };

type Count = { readonly model: string; readonly met: number; readonly partial: number; readonly gap: number };
type Matrix = {
  readonly counts: readonly Count[];
  readonly cells: readonly { readonly model: string; readonly requirement: string; readonly state: string }[];
};

export async function actDocuments(stage: Stage, repositoryDir: string): Promise<ResultRow[]> {
  stage.view.heading('6. The same bundle is the evidence for the documents of a line of three models');
  await copyFile(join(repositoryDir, 'examples/products', PRODUCT), join(stage.dir, PRODUCT));
  const { vkey } = await stage.operator.runQuietly('ledger', 'show', '--last', '1');
  const given = ['--product', PRODUCT, '--bundle', 'bundle.zip', '--key', String(vkey)];
  const { counts, cells } = (await stage.operator.runQuietly('gap', 'show', ...given)) as unknown as Matrix;
  const { files } = await stage.operator.run('docs', 'build', ...given, '--out', 'documents');
  const count = (files as readonly unknown[]).length;
  stage.view.say(
    `${count} files in ${join(stage.dir, 'documents')}: HTML and PDF for people, OSCAL and CycloneDX for machines`,
  );
  return counts.map(({ model, met, partial, gap }) => {
    const state = cells.find((one) => one.model === model && one.requirement === FORWARD)?.state ?? 'missing';
    return {
      device: model,
      step: `${met} met, ${partial} partly, ${gap} open; older firmware is refused:`,
      result: state,
      code: '',
      assignmentId: undefined,
      isExpected: state === EXPECTED[model],
    };
  });
}
