/** `pawl key`: sealed private keys of the workspace; only public halves ever leave it. */
import { KEY_ROLE_TABLE, KEY_ROLES, type KeyAlgorithm, type KeyRole } from '@pawl/core/keys';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { renderTable } from '../frame/table.ts';
import { inFolder, writeOutput } from '../workspace/files.ts';
import { createNamedKey, listNamedKeys, loadNamedKey, type NamedKey } from '../workspace/keyring.ts';
import { obtainPassphrase, PASSPHRASE_OPTION } from '../workspace/passphrase.ts';
import { loadWorkspace, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const NAME = { name: 'NAME', summary: 'the name of the key in this workspace' } as const;

function parseRole(text: string): KeyRole {
  const role = KEY_ROLES.find((name) => name === text);
  if (role === undefined) throw new CliError('CLI_USAGE', { role: text, expected: KEY_ROLES.join(', ') });
  return role;
}

/** The algorithm by name, or the role's own. */
function parseAlgorithm(role: KeyRole, text: string | undefined): KeyAlgorithm {
  const { algorithms } = KEY_ROLE_TABLE[role];
  const algorithm = algorithms.find((name) => text === undefined || name === text);
  if (algorithm === undefined) throw new CliError('CLI_USAGE', { algorithm: text, expected: algorithms.join(', ') });
  return algorithm;
}

const facts = ({ name, path, file }: NamedKey): Record<string, string> => ({
  name,
  id: file.id,
  role: file.role,
  algorithm: file.algorithm,
  purpose: file.purpose,
  createdAt: file.createdAt,
  path,
});

const newKey = defineCommand({
  summary: 'make a key, sealed with a passphrase',
  positionals: [NAME],
  options: {
    role: { type: 'string', value: 'ROLE', summary: `what it is for: ${KEY_ROLES.join(', ')}`, required: true },
    algorithm: {
      type: 'string',
      value: 'NAME',
      summary: 'ESP256 (default), ESP384, Ed25519, ML-DSA-65; for role line: ECDH-P256',
    },
    purpose: { type: 'string', summary: 'a sentence for those who find the file', default: '' },
    ...PASSPHRASE_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: 'pawl key new image-2 --role image --algorithm ML-DSA-65 --passphrase-file ~/pass',
  async run({ values, positionals: [name = ''], io }) {
    const { dir } = await loadWorkspace(io, values.workspace);
    const role = parseRole(values.role);
    const algorithm = parseAlgorithm(role, values.algorithm);
    const passphrase = await obtainPassphrase(io, values['passphrase-file'], { isNew: true });
    const purpose = values.purpose === '' ? `${role} key` : values.purpose;
    const key = await createNamedKey(dir, { name, role, algorithm, purpose, passphrase, createdAt: io.now() });
    return {
      json: facts(key),
      text: [`made ${role} key ${name} (${algorithm})`, `id ${key.file.id}`, `sealed in ${key.path}`],
    };
  },
});

const list = defineCommand({
  summary: 'list the keys of the workspace',
  options: WORKSPACE_OPTION,
  example: 'pawl key list',
  async run({ values, io }) {
    const keys = (await listNamedKeys(await loadWorkspace(io, values.workspace))).map(facts);
    const rows = keys.map(({ name = '', role = '', algorithm = '', id = '' }) => [name, role, algorithm, id]);
    return { json: keys, text: renderTable(io.isTty, ['name', 'role', 'algorithm', 'id'], rows) };
  },
});

const show = defineCommand({
  summary: 'show what is known of a key, and its public half',
  positionals: [NAME],
  options: WORKSPACE_OPTION,
  example: 'pawl key show image',
  async run({ values, positionals: [name = ''], io }) {
    const key = await loadNamedKey(await loadWorkspace(io, values.workspace), name);
    const all = facts(key);
    const lines = Object.entries(all).map(([label, value]) => `${label.padEnd(10)} ${value}`);
    return { json: { ...all, public: key.file.public }, text: [...lines, ...key.file.public.trim().split('\n')] };
  },
});

const exportPublic = defineCommand({
  summary: 'write the public half as PEM (SPKI)',
  positionals: [NAME],
  options: {
    out: { type: 'string', value: 'FILE', summary: 'where to (else standard output)' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl key export image --out image.pem',
  async run({ values, positionals: [name = ''], io }) {
    const { file } = await loadNamedKey(await loadWorkspace(io, values.workspace), name);
    const pem = file.public.trim();
    if (values.out === undefined) return { json: { id: file.id, public: file.public }, text: pem.split('\n') };
    const path = inFolder(io.cwd, values.out);
    await writeOutput(path, `${pem}\n`);
    return { json: { id: file.id, path }, text: [`wrote ${path}`] };
  },
});

export const key: CommandGroup = {
  summary: 'sealed private keys of the workspace',
  commands: { new: newKey, list, show, export: exportPublic },
};
