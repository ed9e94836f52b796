/** `pawl docs`: documents of a product, made from records. */
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { inFolder, writeOutput } from '../workspace/files.ts';
import { PRODUCT_OPTIONS, readProductRecords } from '../workspace/product-records.ts';

const build = defineCommand({
  summary: 'make all documents of a product, each as HTML and as PDF',
  about: [
    'From a product file and bundles of the ledger only: equal records give equal files. Sentences carry their grade and',
    'evidence; what is missing is shown as a gap. For machines: OSCAL and CycloneDX attestations. manifest.json lists every file with its SHA-256.',
  ],
  options: { ...PRODUCT_OPTIONS, out: { type: 'string', value: 'DIR', summary: 'where they go', required: true } },
  example: 'pawl docs build --product hearth.yaml --bundle bundle.zip --key ledger.vkey --out documents',
  async run({ values, io }) {
    const records = await readProductRecords(io, values);
    const { renderFiles } = await import('@pawl/compliance/paper');
    const folder = inFolder(io.cwd, values.out);
    const files = [];
    for await (const { bytes, ...file } of renderFiles(records)) {
      await writeOutput(`${folder}/${file.name}`, bytes);
      files.push(file);
    }
    const { product, on, evidence } = records;
    const manifest = { product: product.product, on, evidence: evidence.length, files };
    await writeOutput(`${folder}/manifest.json`, `${JSON.stringify(manifest, undefined, 2)}\n`);
    const pages = files.filter(({ name }) => name.endsWith('.html'));
    const gaps = pages.reduce((sum, one) => sum + one.gaps, 0);
    return {
      json: { folder, ...manifest },
      text: [
        ...pages.map((one) => `  ${String(one.gaps).padStart(4)} gaps  ${one.name}`),
        `${pages.length} documents of ${product.name} as of ${on}: ${evidence.length} pieces of evidence, ${gaps} gaps shown, each also as PDF`,
        `wrote ${folder}`,
      ],
    };
  },
});

export const docs: CommandGroup = { summary: 'documents of a product, made from records', commands: { build } };
