/** `pawl evidence`: documents that were taken in as evidence. Nothing is ever deleted: what counts no more is withdrawn. */
import { createHash } from 'node:crypto';
import { basename, extname } from 'node:path';
import {
  DOCUMENT_KINDS,
  EVIDENCE_FILE_BYTES_MAX,
  type EvidenceMediaType,
  type EvidenceRecord,
  type NewEvidence,
} from '@pawl/contract/management';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { assertAbsent, inFolder, readInput, writeOutput } from '../workspace/files.ts';
import { allPages } from '../workspace/pages.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const NUMBER = { name: 'NUMBER', summary: 'the number of the evidence, from `pawl evidence list`' } as const;

const TYPES: Readonly<Record<string, EvidenceMediaType>> = {
  '.pdf': 'application/pdf',
  '.json': 'application/json',
  '.xml': 'application/xml',
  '.zip': 'application/zip',
  '.txt': 'text/plain',
  '.md': 'text/plain',
  '.csv': 'text/csv',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
};
const STATES = ['current', 'superseded', 'withdrawn'] as const;
const GRADES = ['claimed', 'configured', 'tested', 'observed'] as const;

function oneOf<T extends string>(option: string, value: string, words: readonly T[]): T {
  const word = words.find((known) => known === value);
  if (word === undefined) throw new CliError('CLI_USAGE', { option, value, expected: words.join(' | ') });
  return word;
}

const idOf = (text: string): number => Number(parseNumber(text, 'NUMBER'));

function linesOf(one: EvidenceRecord): string[] {
  const facts: Readonly<Record<string, string>> = {
    evidence: String(one.id),
    product: one.models === undefined ? one.product : `${one.product} (${one.models.join(', ')})`,
    kind: `${one.kind}, shows ${one.shows.join(', ')}`,
    grade: one.grade,
    title: one.title,
    issuer: one.issuer,
    edition: one.edition ?? '-',
    issued: `${one.issuedOn}${one.validUntil === undefined ? '' : `, valid until ${one.validUntil}`}`,
    requirements: one.requirements.length === 0 ? 'all that ask for it' : one.requirements.join(', '),
    file: `${one.file.name} (${one.file.mediaType}, ${one.file.sizeBytes} bytes)`,
    sha256: one.file.sha256,
    state: one.supersededBy === null ? one.state : `${one.state} by ${one.supersededBy}`,
    ...(one.endedReason === null ? {} : { reason: one.endedReason }),
    recorded: `${one.recordedAt} by ${one.recordedBy}, kept until ${one.keptUntil} at least`,
  };
  return Object.entries(facts).map(([label, value]) => `${label.padEnd(14)} ${value}`);
}

const ABOUT = {
  product: { type: 'string', value: 'NAME', summary: 'the product that it is about', required: true },
  model: { type: 'string', value: 'ID', summary: 'only these models of it', multiple: true },
  kind: { type: 'string', value: 'KIND', summary: DOCUMENT_KINDS.join(', '), required: true },
  issuer: { type: 'string', value: 'NAME', summary: 'who made it', required: true },
  issued: { type: 'string', value: 'DAY', summary: 'the day on which it was made', required: true },
  expires: { type: 'string', value: 'DAY', summary: 'the last day on which it counts' },
  edition: { type: 'string', value: 'TEXT', summary: 'what it was made by, as "EN 303 645 V3.1.3"' },
  title: { type: 'string', value: 'TEXT', summary: 'what it is called (else the name of the file)' },
  requirement: {
    type: 'string',
    value: 'REF',
    summary: 'only for this requirement, as "EU-CRA I.2.f"',
    multiple: true,
  },
  shows: { type: 'string', value: 'KIND', summary: 'kind of evidence, by the catalogues', multiple: true },
  grade: { type: 'string', value: 'GRADE', summary: 'less than the kind of document allows' },
  supersedes: { type: 'string', value: 'NUMBER', summary: 'the evidence that it takes the place of' },
} as const;

type Given = {
  readonly [K in keyof typeof ABOUT]: K extends 'product' | 'kind' | 'issuer' | 'issued'
    ? string
    : K extends 'model' | 'requirement' | 'shows'
      ? readonly string[]
      : string | undefined;
};

function describe(given: Given, file: NewEvidence['file']): NewEvidence {
  const { expires, edition, grade, supersedes, model, requirement, shows } = given;
  return {
    product: given.product,
    kind: oneOf('--kind', given.kind, DOCUMENT_KINDS),
    title: given.title ?? file.name,
    issuer: given.issuer,
    issuedOn: given.issued,
    file,
    ...(expires === undefined ? {} : { validUntil: expires }),
    ...(edition === undefined ? {} : { edition }),
    ...(model.length === 0 ? {} : { models: [...model] }),
    ...(requirement.length === 0 ? {} : { requirements: [...requirement] }),
    ...(shows.length === 0 ? {} : { shows: [...shows] }),
    ...(grade === undefined ? {} : { grade: oneOf('--grade', grade, GRADES) }),
    ...(supersedes === undefined ? {} : { supersedes: Number(parseNumber(supersedes, '--supersedes')) }),
  };
}

const add = defineCommand({
  summary: 'take a document in as evidence',
  about: [
    'The kind of document says what it may show at most: lab-report, test-result and certificate are *tested* and name their',
    'edition; a record is *configured*; all else is *claimed*. What was *observed* only the signed reports of devices show.',
  ],
  positionals: [{ name: 'FILE', summary: 'PDF, JSON, XML, ZIP, text, CSV, PNG or JPEG, at most 64 MiB' }],
  options: { ...ABOUT, ...WORKSPACE_OPTION },
  example:
    'pawl evidence add report.pdf --product hearth --kind lab-report --issuer "Test House" --edition "EN 303 645 V3.1.3" --issued 2026-10-01',
  async run({ values, positionals: [path = ''], io }) {
    const mediaType = TYPES[extname(path).toLowerCase()];
    if (mediaType === undefined)
      throw new CliError('CLI_USAGE', { file: path, expected: Object.keys(TYPES).join(', ') });
    const bytes = await readInput(inFolder(io.cwd, path), EVIDENCE_FILE_BYTES_MAX);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const body = describe(values, { name: basename(path), mediaType, sha256 });
    const client = await connect(await loadWorkspace(io, values.workspace));
    const sizeBytes = bytes.length;
    await client.call('putEvidenceFile', { params: { sha256 }, query: { sizeBytes }, body: bytes, sizeBytes });
    const made = await client.call('addEvidence', { body });
    return { json: made, text: linesOf(made) };
  },
});

const list = defineCommand({
  summary: 'documents that were taken in, newest first',
  options: {
    product: { type: 'string', value: 'NAME', summary: 'only about this product' },
    state: { type: 'string', value: 'STATE', summary: STATES.join(', ') },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl evidence list --product hearth --state current',
  async run({ values, io }) {
    const { product } = values;
    const state = values.state === undefined ? undefined : oneOf('--state', values.state, STATES);
    const client = await connect(await loadWorkspace(io, values.workspace));
    const items = await allPages((at) => client.call('listEvidence', { query: { product, state, ...at } }));
    const rows = items.map((one) => [
      String(one.id),
      one.product,
      one.kind,
      one.grade,
      one.issuedOn,
      one.validUntil ?? '-',
      one.state,
      one.title,
    ]);
    const head = ['no.', 'product', 'kind', 'grade', 'issued', 'until', 'state', 'title'];
    return { json: items, text: renderTable(io.isTty, head, rows) };
  },
});

const show = defineCommand({
  summary: 'what is recorded of a document',
  positionals: [NUMBER],
  options: WORKSPACE_OPTION,
  example: 'pawl evidence show 3',
  async run({ values, positionals: [number = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const one = await client.call('getEvidence', { params: { id: idOf(number) } });
    return { json: one, text: linesOf(one) };
  },
});

const get = defineCommand({
  summary: 'write the file of a document, with its digest checked',
  positionals: [NUMBER],
  options: {
    out: { type: 'string', value: 'FILE', summary: 'where to write it', required: true },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl evidence get 3 --out report.pdf',
  async run({ values, positionals: [number = ''], io }) {
    // The name under which it was handed in is somebody else's text: it never becomes a path.
    const path = inFolder(io.cwd, values.out);
    await assertAbsent(path);
    const client = await connect(await loadWorkspace(io, values.workspace));
    const params = { id: idOf(number) };
    const { file } = await client.call('getEvidence', { params });
    const bytes = await client.call('getEvidenceFile', { params });
    const actual = createHash('sha256').update(bytes).digest('hex');
    if (actual !== file.sha256) throw new CliError('CLI_ANSWER_MISMATCH', { expected: file.sha256, actual });
    await writeOutput(path, bytes);
    return { json: { path, ...file }, text: [`wrote ${path}: ${bytes.length} bytes, sha256 ${actual}`] };
  },
});

const withdraw = defineCommand({
  summary: 'say that a document counts no more; it is kept all the same',
  positionals: [NUMBER],
  options: {
    reason: { type: 'string', value: 'TEXT', summary: 'why', required: true },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl evidence withdraw 3 --reason "the lab recalled it"',
  async run({ values, positionals: [number = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { reason } = values;
    const one = await client.call('withdrawEvidence', { params: { id: idOf(number) }, body: { reason } });
    return { json: one, text: linesOf(one) };
  },
});

export const evidence: CommandGroup = {
  summary: 'documents that were taken in as evidence',
  commands: { add, list, show, get, withdraw },
};
