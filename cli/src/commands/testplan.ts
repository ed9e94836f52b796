/** `pawl testplan`: tests planned by one edition of one catalogue, and what came of them. */
import { createHash } from 'node:crypto';
import { basename, extname } from 'node:path';
import {
  EVIDENCE_FILE_BYTES_MAX,
  type EvidenceMediaType,
  type NewTestResults,
  type TestPlan,
} from '@pawl/contract/management';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { type Cell, renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { inFolder, readInput, readText } from '../workspace/files.ts';
import { allPages } from '../workspace/pages.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const NUMBER = { name: 'NUMBER', summary: 'the number of the plan, from `pawl testplan list`' } as const;
const idOf = (text: string): { id: number } => ({ id: Number(parseNumber(text, 'NUMBER')) });
const TYPES: Readonly<Record<string, EvidenceMediaType>> = {
  '.pdf': 'application/pdf',
  '.zip': 'application/zip',
  '.json': 'application/json',
  '.xml': 'application/xml',
  '.txt': 'text/plain',
};

function linesOf(plan: TestPlan, isTty: boolean): string[] {
  const results = plan.results.map((one): Cell[] => [
    one.requirement,
    { text: one.verdict, tone: one.verdict === 'pass' ? 'good' : 'bad' },
    { text: one.grade, tone: one.grade === 'tested' ? 'good' : 'strong' },
    one.testedOn,
    one.issuer,
    one.reference,
  ]);
  const steps = plan.schedule.map((one): Cell[] => [
    one.name,
    { text: one.startsOn, tone: one.isLate ? 'bad' : 'good' },
    one.endsOn,
    one.isLate ? 'should have begun' : '',
    one.reason,
  ]);
  return [
    `plan ${plan.id}: ${plan.product} (${plan.models.join(', ')}) by ${plan.catalogue} ${plan.edition}`,
    `at ${plan.laboratory}, done by ${plan.doneBy}; ${plan.open.length} of ${plan.requirements.length} requirements are open`,
    ...renderTable(isTty, ['step', 'begins', 'ends', '', 'why so long'], steps),
    ...(results.length === 0
      ? []
      : renderTable(isTty, ['requirement', 'verdict', 'grade', 'tested', 'by', 'in the report'], results)),
  ];
}

const make = defineCommand({
  summary: 'plan the tests of models by one edition, at a laboratory of the directory',
  about: [
    'The plan is pinned: results by another edition are refused. Without --requirement it holds all of the catalogue that ask',
    'for a test. When to begin follows from the lead time of the laboratory.',
  ],
  options: {
    product: { type: 'string', value: 'NAME', summary: 'the product', required: true },
    model: { type: 'string', value: 'ID', summary: 'a model of it', multiple: true },
    catalogue: {
      type: 'string',
      value: 'NAME',
      summary: 'as ETSI-EN-303-645, from `pawl catalogue list`',
      required: true,
    },
    edition: { type: 'string', value: 'TEXT', summary: 'its edition, to the letter', required: true },
    requirement: { type: 'string', value: 'REF', summary: 'only this one, as "ETSI-EN-303-645 5.3-2"', multiple: true },
    laboratory: { type: 'string', value: 'ID', summary: 'from `pawl laboratory list`', required: true },
    'done-by': { type: 'string', value: 'DAY', summary: 'when the results must be there', required: true },
    ...WORKSPACE_OPTION,
  },
  example:
    'pawl testplan make --product hearth --model gateway --catalogue ETSI-EN-303-645 --edition "V3.1.3 (2024-09)" --laboratory test-house --done-by 2027-09-01',
  async run({ values, io }) {
    if (values.model.length === 0) throw new CliError('CLI_USAGE', { missing: '--model' });
    const { product, catalogue, edition, laboratory } = values;
    const requirements = values.requirement.length === 0 ? {} : { requirements: [...values.requirement] };
    const body = { product, models: [...values.model], catalogue, edition, laboratory, doneBy: values['done-by'] };
    const client = await connect(await loadWorkspace(io, values.workspace));
    const made = await client.call('makeTestPlan', { body: { ...body, ...requirements } });
    return { json: made, text: linesOf(made, io.isTty) };
  },
});

const list = defineCommand({
  summary: 'test plans, newest first',
  options: { product: { type: 'string', value: 'NAME', summary: 'only of this product' }, ...WORKSPACE_OPTION },
  example: 'pawl testplan list --product hearth',
  async run({ values, io }) {
    const { product } = values;
    const client = await connect(await loadWorkspace(io, values.workspace));
    const items = await allPages((at) => client.call('listTestPlans', { query: { product, ...at } }));
    const rows = items.map((one) => [
      String(one.id),
      one.product,
      one.models.join(', '),
      `${one.catalogue} ${one.edition}`,
      one.laboratory,
      one.schedule[0]?.startsOn ?? '-',
      one.doneBy,
      `${one.open.length} of ${one.requirements.length}`,
    ]);
    const head = ['no.', 'product', 'models', 'by', 'at', 'begin', 'done by', 'open'];
    return { json: items, text: renderTable(io.isTty, head, rows) };
  },
});

const show = defineCommand({
  summary: 'one plan: when to begin, what came of it, what is open',
  positionals: [NUMBER],
  options: WORKSPACE_OPTION,
  example: 'pawl testplan show 1',
  async run({ values, positionals: [number = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const plan = await client.call('getTestPlan', { params: idOf(number) });
    return { json: plan, text: linesOf(plan, io.isTty) };
  },
});

const importFile = defineCommand({
  summary: 'take results in from JSON, YAML or CSV, with the report',
  about: [
    'A result by another edition than the plan, or of a requirement that it does not hold, is refused with its line, and so is',
    'the whole file. With --report and an issuer of the directory a result is tested; without either it is claimed.',
  ],
  positionals: [NUMBER, { name: 'FILE', summary: 'the results' }],
  options: {
    report: { type: 'string', value: 'FILE', summary: 'the report that they stand in (PDF, ZIP, JSON, XML, text)' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl testplan import 1 results.csv --report report.pdf',
  async run({ values, positionals: [number = '', file = ''], io }) {
    const { parseTestResults } = await import('@pawl/compliance/testing');
    const client = await connect(await loadWorkspace(io, values.workspace));
    const params = idOf(number);
    const plan = await client.call('getTestPlan', { params });
    const results = parseTestResults(await readText(inFolder(io.cwd, file)), file, plan);
    let report: NewTestResults['report'];
    if (values.report !== undefined) {
      const mediaType = TYPES[extname(values.report).toLowerCase()];
      if (mediaType === undefined)
        throw new CliError('CLI_USAGE', { file: values.report, expected: Object.keys(TYPES).join(', ') });
      const bytes = await readInput(inFolder(io.cwd, values.report), EVIDENCE_FILE_BYTES_MAX);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const sizeBytes = bytes.length;
      await client.call('putEvidenceFile', { params: { sha256 }, query: { sizeBytes }, body: bytes, sizeBytes });
      report = { name: basename(values.report), mediaType, sha256 };
    }
    const body = { results, ...(report === undefined ? {} : { report }) };
    const after = await client.call('importTestResults', { params, body });
    return { json: after, text: linesOf(after, io.isTty) };
  },
});

export const testplan: CommandGroup = {
  summary: 'tests planned by one edition, and what came of them',
  commands: { make, list, show, import: importFile },
};
