/** `pawl trust`: who may sign what; changes to it, signed by several people on several machines. */
import { basename, dirname, join } from 'node:path';
import { isCodedError } from '@pawl/core/bytes';
import { PublicKey } from '@pawl/core/crypto';
import type { KeyRole } from '@pawl/core/keys';
import {
  type Ceremony,
  encodeCeremony,
  mergeCeremonies,
  parseCeremony,
  parseRoot,
  parseTargets,
  signCeremony,
  signedDigest,
  TOP_ROLES,
  type TrustBase,
  tufKeyOf,
} from '@pawl/core/trust';
import { type CommandGroup, defineCommand, type Io } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { renderTable } from '../frame/table.ts';
import { pushTrust } from '../workspace/connection.ts';
import { describeCeremony, linesOf } from '../workspace/describe-ceremony.ts';
import { assertAbsent, inFolder, readInput, writeOutput } from '../workspace/files.ts';
import { createNamedKey, listNamedKeys, loadNamedKey, openSigningKey } from '../workspace/keyring.ts';
import { obtainPassphrase, PASSPHRASE_OPTION } from '../workspace/passphrase.ts';
import { loadTrustBase, saveTrust } from '../workspace/trust-store.ts';
import { loadWorkspace, saveConfig, WORKSPACE_OPTION, type Workspace } from '../workspace/workspace.ts';
import { begin, exportChange, list, rotate } from './trust-change.ts';

const FILE = { name: 'FILE', summary: 'the file of the ceremony' } as const;
const CEREMONY_BYTES_MAX = 16_000_000;

async function loadCeremony(io: Io, file: string): Promise<Ceremony> {
  return parseCeremony(await readInput(inFolder(io.cwd, file), CEREMONY_BYTES_MAX));
}

const baseOf = (workspace: Workspace): ReturnType<typeof loadTrustBase> =>
  loadTrustBase(workspace.dir, Object.keys(workspace.config.lines));

/** Key ids with the names that this workspace has for them. */
async function namesOf(workspace: Workspace): Promise<(keyId: string) => string> {
  const names = new Map<string, string>();
  for (const { name, file } of await listNamedKeys(workspace)) {
    if (file.role !== 'line') names.set(tufKeyOf(PublicKey.fromSpki(file.public)).keyId, name);
  }
  return (keyId) => (names.has(keyId) ? `${keyId} (${names.get(keyId)})` : keyId);
}

type RoleFacts = {
  readonly role: string;
  readonly version: number | null;
  readonly expiresAt: Date | null;
  readonly threshold: number;
  readonly keyIds: readonly string[];
};

function fileFacts(bytes: Uint8Array | undefined): Pick<RoleFacts, 'version' | 'expiresAt'> {
  if (bytes === undefined) return { version: null, expiresAt: null };
  const { version, expiresAt } = parseTargets(bytes).signed;
  return { version, expiresAt };
}

/** Every role with its keys; those of the server have no file here, so no version. */
function rolesOf(base: TrustBase): RoleFacts[] {
  const [rootBytes, targetsBytes] = [base.get('root'), base.get('targets')];
  if (rootBytes === undefined || targetsBytes === undefined) throw new CliError('CLI_TRUST_MISSING');
  const root = parseRoot(rootBytes).signed;
  const top = TOP_ROLES.map((role): RoleFacts => {
    const { keyIds, threshold } = root.roles[role];
    const { version, expiresAt } = role === 'root' ? root : fileFacts(base.get(role));
    return { role, version, expiresAt, threshold, keyIds };
  });
  const lines = (parseTargets(targetsBytes).signed.delegations?.roles ?? []).map(
    ({ name, threshold, keyIds }): RoleFacts => ({ role: name, ...fileFacts(base.get(name)), threshold, keyIds }),
  );
  return [...top, ...lines];
}

/** Whether the file would be taken as it is, or why not. */
function verdictOf(
  ceremony: Ceremony,
  base: TrustBase,
  now: Date,
): { readonly code: string | null; readonly text: string } {
  try {
    mergeCeremonies([ceremony], base, now);
    return { code: null, text: 'enough have signed: pawl trust merge takes it' };
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return { code: error.code, text: `not to be merged yet: ${error.message}` };
  }
}

const show = defineCommand({
  summary: 'show who may sign what; or what a ceremony changes, and who has signed it',
  positionals: [{ ...FILE, optional: true }],
  options: WORKSPACE_OPTION,
  example: 'pawl trust show ceremony.json',
  async run({ values, positionals: [file], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const base = await baseOf(workspace);
    const nameOf = await namesOf(workspace);
    if (file !== undefined) {
      const ceremony = await loadCeremony(io, file);
      const verdict = verdictOf(ceremony, base, io.now());
      return {
        json: {
          purpose: ceremony.purpose,
          files: describeCeremony(ceremony),
          record: ceremony.record,
          refusal: verdict.code,
        },
        text: [...linesOf(ceremony, nameOf), '', verdict.text],
      };
    }
    const roles = rolesOf(base);
    const rows = roles.flatMap(({ role, version, expiresAt, threshold, keyIds }) =>
      keyIds.map((keyId, index) =>
        index > 0
          ? ['', '', '', '', nameOf(keyId)]
          : [
              role,
              String(version ?? '-'),
              expiresAt?.toISOString().slice(0, 10) ?? '-',
              `${threshold} of ${keyIds.length}`,
              nameOf(keyId),
            ],
      ),
    );
    return { json: roles, text: renderTable(io.isTty, ['role', 'version', 'until', 'must sign', 'key id'], rows) };
  },
});

const HOLDER_ROLES: readonly KeyRole[] = ['root', 'release', 'image'];

const holder = defineCommand({
  summary: 'make a folder with one key, for somebody who only signs',
  positionals: [{ name: 'DIR', summary: 'the folder to make' }],
  options: {
    role: { type: 'string', value: 'ROLE', summary: 'root (default), release or image', default: 'root' },
    ...PASSPHRASE_OPTION,
  },
  example: 'pawl trust holder alice --role root',
  async run({ values, positionals: [folder = ''], io }) {
    const dir = inFolder(io.cwd, folder);
    const role = HOLDER_ROLES.find((name) => name === values.role);
    if (role === undefined) throw new CliError('CLI_USAGE', { role: values.role, expected: HOLDER_ROLES.join(', ') });
    await assertAbsent(join(dir, 'pawl.json'));
    const passphrase = await obtainPassphrase(io, values['passphrase-file'], { isNew: true });
    const purpose = `${role} key of ${basename(dir)}`;
    const config = { pawl: 1, tokenFile: 'token', lines: {} } as const;
    const workspace: Workspace = { dir, config, host: io };
    const key = await createNamedKey(workspace, {
      name: role,
      role,
      algorithm: 'ESP256',
      purpose,
      passphrase,
      createdAt: io.now(),
    });
    await saveConfig(workspace);
    const pem = join(dir, `${role}.pem`);
    await writeOutput(pem, `${key.file.public.trim()}\n`);
    const { keyId } = tufKeyOf(PublicKey.fromSpki(key.file.public));
    return {
      json: { dir, name: role, keyId, path: key.path, public: pem },
      text: [
        `sealed in ${key.path}`,
        `key id ${keyId}`,
        `Give ${pem} to the one who leads; tell them the key id by voice.`,
      ],
    };
  },
});

/** The root that the file says it follows must be the one that is known here, where one is known. */
function verifyFrom(ceremony: Ceremony, base: TrustBase): void {
  const own = base.get('root');
  const from = ceremony.from.get('root');
  if (own === undefined) return;
  const { version, json } = { version: parseRoot(own).signed.version, json: parseRoot(own).json };
  const claimed = from === undefined ? 0 : Number(from.signed['version']);
  const isSame = from !== undefined && signedDigest(from) === signedDigest({ signed: json });
  if (claimed < version || (claimed === version && !isSame))
    throw new CliError('CLI_CEREMONY_MISMATCH', { root: version, from: claimed });
}

const sign = defineCommand({
  summary: 'sign every file of a ceremony that a key may sign; works offline',
  about: ['Compare the digests by voice with the others before you give the file on.'],
  positionals: [FILE],
  options: {
    key: { type: 'string', value: 'NAME', summary: 'the key in this workspace', required: true },
    who: { type: 'string', value: 'TEXT', summary: 'your name, for the record (default the name of the key)' },
    out: { type: 'string', value: 'FILE', summary: 'where to (default beside it, with the start of the key id)' },
    ...PASSPHRASE_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: "pawl trust sign ceremony.json --key root --who 'Alice'",
  async run({ values, positionals: [file = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const ceremony = await loadCeremony(io, file);
    verifyFrom(ceremony, await baseOf(workspace));
    const who = values.who ?? values.key;
    if (who.length > 100 || /\p{C}/u.test(who))
      throw new CliError('CLI_USAGE', { option: '--who', expected: 'a short name' });
    const stored = await loadNamedKey(workspace, values.key);
    const { keyId } = tufKeyOf(PublicKey.fromSpki(stored.file.public));
    const given = inFolder(io.cwd, file);
    const beside = join(dirname(given), `${basename(given, '.json')}.${keyId.slice(0, 8)}.json`);
    const path = values.out === undefined ? beside : inFolder(io.cwd, values.out);
    // Everything that can be wrong is said before the passphrase is asked for.
    await assertAbsent(path);
    const signer = await openSigningKey(workspace, values.key, await obtainPassphrase(io, values['passphrase-file']));
    const signed = await signCeremony(ceremony, { signer, who, at: io.now() });
    await writeOutput(path, encodeCeremony(signed));
    const entries = signed.record.filter((entry) => entry.keyId === keyId);
    return {
      json: { path, signed: entries },
      text: [
        `wrote ${path}`,
        ...entries.map(({ role, version, digest }) => `signed ${role} ${version}, digest ${digest}`),
      ],
    };
  },
});

const merge = defineCommand({
  summary: 'put signed copies together and keep the result, when enough have signed',
  about: ['Refuses copies that differ, strangers, one key twice, and everything that devices would refuse to follow.'],
  positionals: [{ ...FILE, name: 'FILE...', multiple: true }],
  options: WORKSPACE_OPTION,
  example: 'pawl trust merge ceremony.1a2b3c4d.json ceremony.5e6f7a8b.json',
  async run({ values, positionals: files, io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const [first, ...others] = await Promise.all(files.map((file) => loadCeremony(io, file)));
    if (first === undefined) throw new CliError('CLI_USAGE', { missing: 'FILE' });
    const at = io.now();
    const merged = mergeCeremonies([first, ...others], await baseOf(workspace), at);
    const record = { purpose: first.purpose, mergedAt: at, signatures: merged.record };
    const name = `${at.toISOString().replace(/[:.]/g, '-')}.json`;
    await writeOutput(join(workspace.dir, 'trust', 'ceremonies', name), `${JSON.stringify(record, undefined, 2)}\n`);
    await saveTrust(workspace.dir, merged.metadata, merged.lineKeys);
    const rows = merged.record.map((entry) => [
      entry.role,
      String(entry.version),
      entry.who,
      entry.at.toISOString(),
      entry.keyId,
    ]);
    return {
      json: { ...record, taken: merged.successors },
      text: [
        ...merged.successors.map(({ role, version }) => `took ${role} ${version}`),
        ...renderTable(io.isTty, ['role', 'version', 'signed by', 'at', 'key id'], rows),
        'Next: pawl trust push',
      ],
    };
  },
});

const push = defineCommand({
  summary: 'hand the trust of this workspace in to the server',
  options: WORKSPACE_OPTION,
  example: 'pawl trust push',
  async run({ values, io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    await pushTrust(workspace);
    return { json: { isTaken: true }, text: ['the server has taken the trust'] };
  },
});

export const trust: CommandGroup = {
  summary: 'who may sign what, and ceremonies of several people that change it',
  commands: { show, holder, begin, export: exportChange, rotate, list, sign, merge, push },
};
