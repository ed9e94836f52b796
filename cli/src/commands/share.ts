/** `pawl share`: who may look at the evidence of one product by a link, and for how long. */
import { OPERATOR_ROLES, type Share } from '@pawl/contract/management';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { type Cell, renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { allPages } from '../workspace/pages.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';

function tableOf(items: readonly Share[], isTty: boolean): string[] {
  const rows = items.map((one): Cell[] => [
    String(one.id),
    one.product,
    one.audience,
    one.role,
    { text: one.state, tone: one.state === 'open' ? 'good' : 'bad' },
    one.expiresAt.slice(0, 10),
    one.needsCode ? 'link and code' : 'link',
    String(one.visits),
    one.lastVisitAt ?? '-',
  ]);
  const head = ['no.', 'product', 'for', 'role', 'state', 'ends', 'by', 'visits', 'last visit'];
  return renderTable(isTty, head, rows);
}

const make = defineCommand({
  summary: "let somebody look at one product's evidence; prints the link, once",
  about: [
    'They see what the law asks them to look at, how each model stands with grades and sources, and the documents that you name.',
    'Nothing names a device unless --devices is given: then reports of devices are in the bundle, with their names.',
  ],
  options: {
    product: { type: 'string', value: 'NAME', summary: 'the product, and no other', required: true },
    for: { type: 'string', value: 'NAME', summary: 'who may look', required: true },
    role: { type: 'string', value: 'ROLE', summary: OPERATOR_ROLES.join(', '), required: true },
    document: { type: 'string', value: 'N', summary: 'a document, from `pawl evidence list`', multiple: true },
    devices: { type: 'boolean', summary: 'put reports of devices into the bundle' },
    code: { type: 'boolean', summary: 'ask for a code besides the link; send it another way' },
    'valid-days': { type: 'string', value: 'N', summary: 'how long it works (else 30)' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl share make --product hearth --for "Import GmbH" --role importer --document 3 --code',
  async run({ values, io }) {
    const role = OPERATOR_ROLES.find((known) => known === values.role);
    if (role === undefined)
      throw new CliError('CLI_USAGE', { option: '--role', value: values.role, expected: OPERATOR_ROLES.join(' | ') });
    const days = values['valid-days'];
    const body = {
      product: values.product,
      audience: values.for,
      role,
      documents: values.document.map((one) => Number(parseNumber(one, '--document'))),
      includesDevices: values.devices,
      needsCode: values.code,
      ...(days === undefined ? {} : { validForDays: Number(parseNumber(days, '--valid-days')) }),
    };
    const workspace = await loadWorkspace(io, values.workspace);
    const { share: made, path, code } = await (await connect(workspace)).call('makeShare', { body });
    const link = `${workspace.config.server ?? ''}${path}`;
    const secret = code === null ? [] : [`code ${code}`];
    return { json: { ...made, link, code }, text: [...tableOf([made], io.isTty), link, ...secret] };
  },
});

const list = defineCommand({
  summary: 'who may look, and who looked when',
  options: {
    product: { type: 'string', value: 'NAME', summary: 'only of this product' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl share list --product hearth',
  async run({ values, io }) {
    const { product } = values;
    const client = await connect(await loadWorkspace(io, values.workspace));
    const items = await allPages((at) => client.call('listShares', { query: { product, ...at } }));
    return { json: items, text: tableOf(items, io.isTty) };
  },
});

const revoke = defineCommand({
  summary: 'end a share at once',
  positionals: [{ name: 'NUMBER', summary: 'the number of the share, from `pawl share list`' }],
  options: { reason: { type: 'string', value: 'TEXT', summary: 'why', required: true }, ...WORKSPACE_OPTION },
  example: 'pawl share revoke 1 --reason "the contract ended"',
  async run({ values, positionals: [number = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const params = { id: Number(parseNumber(number, 'NUMBER')) };
    const one = await client.call('revokeShare', { params, body: { reason: values.reason } });
    return { json: one, text: tableOf([one], io.isTty) };
  },
});

export const share: CommandGroup = {
  summary: "who may look at one product's evidence by a link",
  commands: { make, list, revoke },
};
