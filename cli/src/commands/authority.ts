/** `pawl authority`: certificate authorities whose devices come in by themselves. */
import type { DeviceAuthority } from '@pawl/contract/management';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { inFolder, readText } from '../workspace/files.ts';
import { chooseLine, loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const ID = { name: 'NUMBER', summary: 'of the authority, as "pawl authority list" shows it' } as const;

function cellsOf({ id, name, namePattern, model, kind, devices, fingerprint }: DeviceAuthority): string[] {
  return [String(id), name, namePattern, model, kind, String(devices), fingerprint.slice(0, 16)];
}

const list = defineCommand({
  summary: 'list the authorities whose devices come in by themselves',
  options: WORKSPACE_OPTION,
  example: 'pawl authority list',
  async run({ values, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { items } = await client.call('listAuthorities', {});
    const head = ['no.', 'name', 'names', 'model', 'client', 'devices', 'certificate'];
    return { json: items, text: renderTable(io.isTty, head, items.map(cellsOf)) };
  },
});

const add = defineCommand({
  summary: 'let the devices of a certificate authority in on their first contact',
  positionals: [{ name: 'NAME', summary: 'a name for people' }],
  options: {
    certificate: {
      type: 'string',
      value: 'FILE',
      summary: 'of who issues device certificates directly, PEM',
      required: true,
    },
    names: { type: 'string', value: 'PATTERN', summary: 'which names it may give, as in kettle-*', required: true },
    foreign: { type: 'boolean', summary: 'its devices run a foreign client, which signs no reports' },
    model: { type: 'string', value: 'NAME', summary: 'hardware model', default: 'default' },
    tag: { type: 'string', value: 'TAG', summary: 'tag for filters', multiple: true },
    line: { type: 'string', value: 'NAME', summary: 'product line (may be left out when there is only one)' },
    ...WORKSPACE_OPTION,
  },
  example: "pawl authority add factory-2 --certificate factory-2.pem --names 'kettle-*' --model kettle-2",
  async run({ values, positionals: [name = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const certificatePem = await readText(inFolder(io.cwd, values.certificate));
    const made = await (await connect(workspace)).call('addAuthority', {
      body: {
        name,
        certificatePem,
        namePattern: values.names,
        model: values.model,
        line: chooseLine(workspace, values.line),
        tags: [...values.tag],
        kind: values.foreign === true ? 'foreign' : 'pawl',
      },
    });
    return { json: made, text: [`authority ${made.id}`, `certificate ${made.fingerprint}`] };
  },
});

const bar = defineCommand({
  summary: 'bar one certificate by its serial number; its device is refused at once',
  positionals: [ID, { name: 'SERIAL', summary: 'hexadecimal, as "openssl x509 -serial" prints it' }],
  options: WORKSPACE_OPTION,
  example: 'pawl authority bar 2 4A:1F:00:93',
  async run({ values, positionals: [id = '', serialNumber = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const params = { id: Number(parseNumber(id, 'NUMBER')) };
    const authority = await client.call('barCertificate', { params, body: { serialNumber } });
    return { json: authority, text: [`${serialNumber} of ${authority.name} lets nothing in any more`] };
  },
});

const remove = defineCommand({
  summary: 'end an authority: the devices that came in by it are refused at once',
  positionals: [ID],
  options: { yes: { type: 'boolean', summary: 'that is what you want' }, ...WORKSPACE_OPTION },
  example: 'pawl authority remove 2 --yes',
  async run({ values, positionals: [id = ''], io }) {
    if (values.yes !== true) throw new CliError('CLI_USAGE', { missing: '--yes' });
    const client = await connect(await loadWorkspace(io, values.workspace));
    await client.call('removeAuthority', { params: { id: Number(parseNumber(id, 'NUMBER')) } });
    return { json: { id, isRemoved: true }, text: [`authority ${id} is removed`] };
  },
});

export const authority: CommandGroup = {
  summary: 'certificate authorities whose devices come in by themselves',
  commands: { list, add, bar, remove },
};
