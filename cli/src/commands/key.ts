/** `pawl key`: the keys of the workspace, sealed or elsewhere; only public halves ever leave it. */
import { isKeyReference } from '@pawl/core/keys';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { renderTable } from '../frame/table.ts';
import { inFolder, writeOutput } from '../workspace/files.ts';
import { createNamedKey, listNamedKeys, loadNamedKey, resealNamedKey, resumeNamedKey } from '../workspace/keyring.ts';
import { obtainPassphrase, PASSPHRASE_OPTION } from '../workspace/passphrase.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';
import { addKey, importKey } from './key-add.ts';
import { auditKeys } from './key-audit.ts';
import { KEY_NAME, keyFacts, OFFLINE_OPTION, PLAN_OPTIONS, parseAlgorithm, planKey } from './key-plan.ts';

const newKey = defineCommand({
  summary: 'make a key, sealed with a passphrase',
  positionals: [KEY_NAME],
  options: {
    ...PLAN_OPTIONS,
    ...OFFLINE_OPTION,
    'lms-height': {
      type: 'string',
      value: 'N',
      summary: 'of HSS-LMS: 5, 10 or 15, for 2^N signatures ever',
      default: '10',
    },
    ...PASSPHRASE_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: 'pawl key new image-2 --role image --algorithm ML-DSA-65 --passphrase-file ~/pass',
  async run({ values, positionals: [name = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const plan = await planKey(io, workspace, name, values);
    const algorithm = parseAlgorithm(plan.role, values.algorithm);
    const passphrase = await obtainPassphrase(io, values['passphrase-file'], { isNew: true });
    const custody = values.offline ? 'offline' : 'file';
    const lmsHeight = ([5, 10, 15] as const).find((height) => String(height) === values['lms-height']);
    if (lmsHeight === undefined) throw new CliError('CLI_USAGE', { option: '--lms-height', expected: '5, 10 or 15' });
    const key = await createNamedKey(workspace, { ...plan, algorithm, lmsHeight, custody, passphrase });
    return {
      json: keyFacts(key),
      text: [`made ${plan.role} key ${name} (${algorithm})`, `id ${key.file.id}`, `sealed in ${key.path}`],
    };
  },
});

const reseal = defineCommand({
  summary: 'seal a key anew under another passphrase',
  about: ['The old file stays until the new one, read back from the disk, has opened.'],
  positionals: [KEY_NAME],
  options: {
    'new-passphrase-file': { type: 'string', value: 'FILE', summary: 'file with the new passphrase (else asked for)' },
    ...PASSPHRASE_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: 'pawl key reseal image --passphrase-file old --new-passphrase-file new',
  async run({ values, positionals: [name = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const old = await obtainPassphrase(io, values['passphrase-file']);
    // Asked for, the new one comes from the terminal: the environment names the old one.
    const asked = { ...io, env: {} };
    const fresh = await obtainPassphrase(asked, values['new-passphrase-file'], { isNew: true });
    const key = await resealNamedKey(workspace, name, { old, new: fresh });
    return { json: keyFacts(key), text: [`sealed ${name} anew in ${key.path}`, `id ${key.file.id}`] };
  },
});

const resume = defineCommand({
  summary: 'go on with an LMS key whose record of used leaves is lost',
  about: [
    'A leaf that signs two messages gives the key away to everybody who sees both. Give a number above every leaf that was',
    'ever used, by this or any other copy of the key; when in doubt, make a new key.',
  ],
  positionals: [KEY_NAME],
  options: {
    from: { type: 'string', value: 'N', summary: 'the first leaf that is certainly unused', required: true },
    ...PASSPHRASE_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: 'pawl key resume image-lms --from 200',
  async run({ values, positionals: [name = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const from = Number(parseNumber(values.from, '--from'));
    const passphrase = await obtainPassphrase(io, values['passphrase-file']);
    const resumed = await resumeNamedKey(workspace, name, { from, passphrase });
    return { json: { name, from, ...resumed }, text: [`${name} goes on with leaf ${from}`] };
  },
});

const list = defineCommand({
  summary: 'list the keys of the workspace',
  options: WORKSPACE_OPTION,
  example: 'pawl key list',
  async run({ values, io }) {
    const keys = (await listNamedKeys(await loadWorkspace(io, values.workspace))).map(keyFacts);
    const head = ['name', 'role', 'algorithm', 'custody', 'id'];
    const rows = keys.map((key) => head.map((column) => key[column] ?? ''));
    return { json: keys, text: renderTable(io.isTty, head, rows) };
  },
});

const show = defineCommand({
  summary: 'show what is known of a key, and its public half',
  positionals: [KEY_NAME],
  options: WORKSPACE_OPTION,
  example: 'pawl key show image',
  async run({ values, positionals: [name = ''], io }) {
    const key = await loadNamedKey(await loadWorkspace(io, values.workspace), name);
    const all = keyFacts(key);
    const known = Object.entries(all).filter(([, value]) => value !== null);
    const lines = known.map(([label, value]) => `${label.padEnd(10)} ${value}`);
    const signer = isKeyReference(key.file) ? { signer: key.file.signer } : {};
    const where = Object.entries(signer).map(([label, value]) => `${label.padEnd(10)} ${JSON.stringify(value)}`);
    const pem = key.file.public.trim().split('\n');
    return { json: { ...all, ...signer, public: key.file.public }, text: [...lines, ...where, ...pem] };
  },
});

const exportPublic = defineCommand({
  summary: 'write the public half as PEM (SPKI)',
  positionals: [KEY_NAME],
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
  summary: 'keys of the workspace: sealed files, tokens, commands',
  commands: {
    new: newKey,
    import: importKey,
    add: addKey,
    list,
    show,
    export: exportPublic,
    reseal,
    resume,
    audit: auditKeys,
  },
};
