/** `pawl inquiry`: what suppliers are asked about their parts, and what they answered by a link without an account. */
import { createHash } from 'node:crypto';
import type { Inquiry, InquiryTemplate } from '@pawl/contract/management';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { type Cell, renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { assertAbsent, inFolder, readText, writeOutput } from '../workspace/files.ts';
import { allPages } from '../workspace/pages.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const NUMBER = { name: 'NUMBER', summary: 'the number of the inquiry, from `pawl inquiry list`' } as const;
const idOf = (text: string): { id: number } => ({ id: Number(parseNumber(text, 'NUMBER')) });

const DAYS_OPTION = {
  'valid-days': { type: 'string', value: 'N', summary: 'how long the link works (else 60)' },
} as const;

const daysOf = (text: string | undefined): { validForDays?: number } =>
  text === undefined ? {} : { validForDays: Number(parseNumber(text, '--valid-days')) };

/** How it stands with the day by which the answer is wanted. */
function dueText({ state, isOverdue, daysLeft, dueOn }: Inquiry): Cell {
  if (state !== 'open') return dueOn;
  const days = `${Math.abs(daysLeft)} day${Math.abs(daysLeft) === 1 ? '' : 's'}`;
  if (isOverdue) return { text: `${dueOn}, ${days} late`, tone: 'bad' };
  return { text: `${dueOn}, in ${days}`, tone: daysLeft <= 7 ? 'strong' : 'good' };
}

function linesOf(one: Inquiry, isTty: boolean): string[] {
  const link = one.linkExpiresAt === null ? 'none that works' : `works until ${one.linkExpiresAt}`;
  const due = dueText(one);
  const last = one.rounds.at(-1);
  const rows = (last?.answers ?? []).map(({ question, value, worth, files }): Cell[] => [
    question,
    value === '' ? '-' : value.replaceAll('\n', ' '),
    { text: worth, tone: worth === 'assurance' ? 'strong' : 'good' },
    files.map(({ name, sha256 }) => `${name} ${sha256}`).join(', '),
  ]);
  return [
    `inquiry ${one.id}: ${one.supplier} about ${one.parts.join(', ')}`,
    `product        ${one.product}${one.models === undefined ? '' : ` (${one.models.join(', ')})`}`,
    `state          ${one.state}${one.hasDraft ? ', a draft was saved' : ''}${one.endedReason === null ? '' : `: ${one.endedReason}`}`,
    `due            ${typeof due === 'string' ? due : due.text}`,
    `link           ${link}`,
    ...(last === undefined
      ? []
      : [`round ${last.round}        by ${last.answeredBy}, ${last.submittedAt}, ${last.verdict ?? 'not reviewed'}`]),
    ...(rows.length === 0 ? [] : renderTable(isTty, ['question', 'answer', 'worth', 'files'], rows)),
  ];
}

async function templateOf(read: () => Promise<string>, file: string | undefined): Promise<InquiryTemplate> {
  const { loadInquiryTemplate, parseInquiryTemplate } = await import('@pawl/compliance/supplier');
  return file === undefined ? loadInquiryTemplate() : parseInquiryTemplate(await read(), file);
}

const make = defineCommand({
  summary: 'ask a supplier about parts; prints the link, once',
  about: [
    'The link needs no account: whoever has it answers this inquiry, and sees nothing else. Send it by a way that you trust.',
    'Without --template the questions are those of `pawl inquiry template`; --topic keeps to some of them.',
  ],
  options: {
    supplier: { type: 'string', value: 'NAME', summary: 'who is asked', required: true },
    product: { type: 'string', value: 'NAME', summary: 'the product that the parts go into', required: true },
    part: { type: 'string', value: 'NAME', summary: 'a part, as the supplier calls it', multiple: true },
    model: { type: 'string', value: 'ID', summary: 'only these models of the product', multiple: true },
    due: { type: 'string', value: 'DAY', summary: 'the day by which the answer is wanted', required: true },
    topic: { type: 'string', value: 'TOPIC', summary: 'only these topics of the template', multiple: true },
    template: { type: 'string', value: 'FILE', summary: 'questions of your own, as YAML or JSON' },
    note: { type: 'string', value: 'TEXT', summary: 'a sentence to whoever answers' },
    ...DAYS_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: 'pawl inquiry make --supplier "Chip AG" --product hearth --part STM32H563 --due 2027-01-15',
  async run({ values, io }) {
    const { supplier, product, part: parts, note } = values;
    if (parts.length === 0) throw new CliError('CLI_USAGE', { missing: '--part' });
    const file = values.template;
    const template = await templateOf(() => readText(inFolder(io.cwd, file ?? '')), file);
    const topics = new Set(template.questions.map(({ topic }) => topic));
    const stray = values.topic.find((one) => !topics.has(one));
    if (stray !== undefined)
      throw new CliError('CLI_USAGE', { option: '--topic', value: stray, expected: [...topics].join(' | ') });
    const questions = template.questions.filter(
      ({ topic }) => values.topic.length === 0 || values.topic.includes(topic),
    );
    const body = {
      supplier,
      product,
      parts: [...parts],
      dueOn: values.due,
      template: { ...template, questions },
      ...(values.model.length === 0 ? {} : { models: [...values.model] }),
      ...(note === undefined ? {} : { note }),
      ...daysOf(values['valid-days']),
    };
    const workspace = await loadWorkspace(io, values.workspace);
    const made = await (await connect(workspace)).call('makeInquiry', { body });
    const link = `${workspace.config.server ?? ''}${made.path}`;
    return { json: { ...made.inquiry, link }, text: [...linesOf(made.inquiry, io.isTty), link] };
  },
});

const list = defineCommand({
  summary: 'inquiries, newest first; exit code 1 with --overdue when one is late',
  options: {
    product: { type: 'string', value: 'NAME', summary: 'only about this product' },
    overdue: { type: 'boolean', summary: 'only those that are late' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl inquiry list --overdue',
  async run({ values, io }) {
    const { product } = values;
    const client = await connect(await loadWorkspace(io, values.workspace));
    const all = await allPages((at) => client.call('listInquiries', { query: { product, ...at } }));
    const items = all.filter(({ isOverdue }) => isOverdue || !values.overdue);
    const rows = items.map((one): Cell[] => [
      String(one.id),
      one.product,
      one.supplier,
      one.parts.join(', '),
      one.hasDraft ? `${one.state}, draft` : one.state,
      dueText(one),
    ]);
    const head = ['no.', 'product', 'supplier', 'parts', 'state', 'due'];
    const exitCode = values.overdue && items.length > 0 ? 1 : 0;
    return { json: items, text: renderTable(io.isTty, head, rows), exitCode };
  },
});

const show = defineCommand({
  summary: 'one inquiry, what was answered, and what each answer is worth',
  positionals: [NUMBER],
  options: WORKSPACE_OPTION,
  example: 'pawl inquiry show 1',
  async run({ values, positionals: [number = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const one = await client.call('getInquiry', { params: idOf(number) });
    return { json: one, text: linesOf(one, io.isTty) };
  },
});

const link = defineCommand({
  summary: 'make a new link; the one before stops working',
  positionals: [NUMBER],
  options: { ...DAYS_OPTION, ...WORKSPACE_OPTION },
  example: 'pawl inquiry link 1',
  async run({ values, positionals: [number = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const client = await connect(workspace);
    const made = await client.call('renewInquiryLink', { params: idOf(number), body: daysOf(values['valid-days']) });
    const url = `${workspace.config.server ?? ''}${made.path}`;
    return { json: { ...made.inquiry, link: url }, text: [`works until ${made.inquiry.linkExpiresAt ?? '-'}`, url] };
  },
});

const revoke = defineCommand({
  summary: 'the link stops working; the inquiry stays',
  positionals: [NUMBER],
  options: WORKSPACE_OPTION,
  example: 'pawl inquiry revoke 1',
  async run({ values, positionals: [number = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const one = await client.call('revokeInquiryLink', { params: idOf(number), body: {} });
    return { json: one, text: linesOf(one, io.isTty) };
  },
});

const accept = defineCommand({
  summary: 'let the answers count for what they are worth',
  positionals: [NUMBER],
  options: { note: { type: 'string', value: 'TEXT', summary: 'what you looked at' }, ...WORKSPACE_OPTION },
  example: 'pawl inquiry accept 1',
  async run({ values, positionals: [number = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const note = values.note === undefined ? {} : { note: values.note };
    const one = await client.call('reviewInquiry', { params: idOf(number), body: { verdict: 'accept', ...note } });
    return { json: one, text: linesOf(one, io.isTty) };
  },
});

const askAgain = defineCommand({
  summary: 'ask again: the supplier goes on from what was answered',
  positionals: [NUMBER],
  options: {
    note: { type: 'string', value: 'TEXT', summary: 'what is missing; the supplier reads it', required: true },
    due: { type: 'string', value: 'DAY', summary: 'the day by which it is wanted now' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl inquiry ask-again 1 --note "Please attach the manual of the boot code" --due 2027-02-01',
  async run({ values, positionals: [number = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { note, due } = values;
    const body = { verdict: 'ask-again', note, ...(due === undefined ? {} : { dueOn: due }) } as const;
    const one = await client.call('reviewInquiry', { params: idOf(number), body });
    return { json: one, text: linesOf(one, io.isTty) };
  },
});

const withdraw = defineCommand({
  summary: 'end an inquiry: its link stops working, its answers count no more',
  positionals: [NUMBER],
  options: { reason: { type: 'string', value: 'TEXT', summary: 'why', required: true }, ...WORKSPACE_OPTION },
  example: 'pawl inquiry withdraw 1 --reason "the part is not used any more"',
  async run({ values, positionals: [number = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const one = await client.call('withdrawInquiry', { params: idOf(number), body: { reason: values.reason } });
    return { json: one, text: linesOf(one, io.isTty) };
  },
});

const get = defineCommand({
  summary: 'write a file that came with an answer, with its digest checked',
  positionals: [NUMBER, { name: 'SHA256', summary: 'which file, from `pawl inquiry show`' }],
  options: {
    out: { type: 'string', value: 'FILE', summary: 'where to write it', required: true },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl inquiry get 1 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae --out manual.pdf',
  async run({ values, positionals: [number = '', sha256 = ''], io }) {
    const path = inFolder(io.cwd, values.out);
    await assertAbsent(path);
    const client = await connect(await loadWorkspace(io, values.workspace));
    const bytes = await client.call('getAnswerFile', { params: { ...idOf(number), sha256 } });
    const actual = createHash('sha256').update(bytes).digest('hex');
    if (actual !== sha256) throw new CliError('CLI_ANSWER_MISMATCH', { expected: sha256, actual });
    await writeOutput(path, bytes);
    return { json: { path, sha256 }, text: [`wrote ${path}: ${bytes.length} bytes`] };
  },
});

const template = defineCommand({
  summary: 'print the questions that come with the product, to change them',
  example: 'pawl inquiry template',
  async run() {
    const { loadInquiryTemplate, ownTemplateText } = await import('@pawl/compliance/supplier');
    return { json: loadInquiryTemplate(), text: ownTemplateText().trimEnd().split('\n') };
  },
});

export const inquiry: CommandGroup = {
  summary: 'what suppliers are asked, and what they answered',
  commands: { make, list, show, link, revoke, accept, 'ask-again': askAgain, withdraw, get, template },
};
