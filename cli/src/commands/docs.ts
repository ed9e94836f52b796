/** `pawl docs`: documents of a product, made from records, and frozen for a release. */
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { connect } from '../workspace/connection.ts';
import {
  changedSince,
  type DocumentManifest,
  frozenOf,
  signDocuments,
  writeDocuments,
} from '../workspace/document-folder.ts';
import { assertAbsent, inFolder } from '../workspace/files.ts';
import { openSigningKey } from '../workspace/keyring.ts';
import { obtainPassphrase, PASSPHRASE_OPTION } from '../workspace/passphrase.ts';
import { PRODUCT_OPTIONS, readProductRecords } from '../workspace/product-records.ts';
import { loadWorkspace } from '../workspace/workspace.ts';

const OUT_OPTION = { out: { type: 'string', value: 'DIR', summary: 'where they go', required: true } } as const;

function pagesOf({ files }: DocumentManifest): { readonly lines: string[]; readonly count: number; gaps: number } {
  const pages = files.filter(({ name }) => name.endsWith('.html'));
  return {
    lines: pages.map((one) => `  ${String(one.gaps).padStart(4)} gaps  ${one.name}`),
    count: pages.length,
    gaps: pages.reduce((sum, one) => sum + one.gaps, 0),
  };
}

const build = defineCommand({
  summary: 'make all documents of a product, each as HTML and as PDF',
  about: [
    'From a product file and bundles of the ledger only, or, for a product that the server knows by its name, from the whole of',
    'its ledger, verified here. Equal records give equal files. Sentences carry their grade and',
    'evidence; what is missing is shown as a gap. For machines: OSCAL and CycloneDX attestations. manifest.json lists every file with its SHA-256.',
  ],
  options: { ...PRODUCT_OPTIONS, ...OUT_OPTION },
  example: 'pawl docs build --product hearth.yaml --bundle bundle.zip --key ledger.vkey --out documents',
  async run({ values, io }) {
    const records = await readProductRecords(io, values);
    const folder = inFolder(io.cwd, values.out);
    const manifest = await writeDocuments(records, folder);
    const { lines, count, gaps } = pagesOf(manifest);
    const { product, on, evidence } = records;
    return {
      json: { folder, ...manifest },
      text: [
        ...lines,
        `${count} documents of ${product.name} as of ${on}: ${evidence.length} pieces of evidence, ${gaps} gaps shown, each also as PDF`,
        `wrote ${folder}`,
      ],
    };
  },
});

const freeze = defineCommand({
  summary: 'make all documents of a product for a release, and sign their digests',
  about: [
    'A key of the workspace signs the manifest; `pawl verify DIR --key KEY` says later whether a file was changed, added or',
    'taken away. --since names an earlier folder: the files that differ from it are listed.',
  ],
  options: {
    ...PRODUCT_OPTIONS,
    ...OUT_OPTION,
    release: { type: 'string', value: 'VERSION', summary: 'the release that they are for', required: true },
    since: { type: 'string', value: 'DIR', summary: 'documents of before, to say what changed' },
    record: { type: 'boolean', summary: 'write their digest into the ledger of the server, too' },
    'sign-with': { type: 'string', value: 'NAME', summary: 'key of the workspace that signs', default: 'image' },
    ...PASSPHRASE_OPTION,
  },
  example:
    'pawl docs freeze --product hearth.yaml --bundle bundle.zip --key ledger.vkey --release 2.0.0 --out frozen/2.0.0',
  async run({ values, io }) {
    const folder = inFolder(io.cwd, values.out);
    await assertAbsent(folder);
    const records = await readProductRecords(io, values);
    const workspace = await loadWorkspace(io, values.workspace);
    const passphrase = await obtainPassphrase(io, values['passphrase-file']);
    const signer = await openSigningKey(workspace, values['sign-with'], passphrase);
    const manifest = await writeDocuments(records, folder, values.release);
    await signDocuments(folder, values.release, signer);
    if (values.record === true) {
      const client = await connect(workspace);
      const params = { product: records.product.product };
      await client.call('recordDocuments', { params, body: await frozenOf(folder, values.release) });
    }
    const changed =
      values.since === undefined ? undefined : await changedSince(inFolder(io.cwd, values.since), manifest);
    const { count, gaps } = pagesOf(manifest);
    return {
      json: { folder, ...manifest, ...(changed === undefined ? {} : { changed }) },
      text: [
        ...(changed ?? []).map((name) => `  changed  ${name}`),
        `${count} documents of ${records.product.name} for ${values.release} as of ${records.on}, ${gaps} gaps shown`,
        `wrote ${folder}, signed by ${values['sign-with']}`,
        ...(values.record === true ? ['the ledger of the server has their digest'] : []),
      ],
    };
  },
});

export const docs: CommandGroup = {
  summary: 'documents of a product, made from records',
  commands: { build, freeze },
};
