/** The commands of `pawl trust` that begin a ceremony: they write what is to be signed, and sign nothing. */
import type { PublicKey } from '@pawl/core/crypto';
import { type Ceremony, encodeCeremony, type KeyChange, newCeremony } from '@pawl/core/trust';
import { defineCommand, type Io, type Outcome } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { fetchOnlineKeys } from '../workspace/connection.ts';
import { describeCeremony, linesOf } from '../workspace/describe-ceremony.ts';
import { assertAbsent, inFolder, writeOutput } from '../workspace/files.ts';
import { loadKeyId, loadPublicKey, parseSignatureAlgorithm } from '../workspace/key-reference.ts';
import { loadReleaseFolder } from '../workspace/release-folder.ts';
import { renew, rotateImage, rotateLine, rotateOnline, rotateRelease, rotateTop } from '../workspace/trust-change.ts';
import { draftListing, draftTrust, hasTrust, loadLineKeys, loadTrustBase } from '../workspace/trust-store.ts';
import { verifyReleaseFolder } from '../workspace/verify-release.ts';
import {
  chooseLine,
  lineOf,
  loadWorkspace,
  parseNumber,
  WORKSPACE_OPTION,
  type Workspace,
} from '../workspace/workspace.ts';

const OUT_OPTION = {
  out: {
    type: 'string',
    value: 'FILE',
    summary: 'where to write the ceremony (default ceremony.json)',
    default: 'ceremony.json',
  },
} as const;

const NEXT = 'Next, each holder on their own machine: pawl trust sign FILE --key NAME; then: pawl trust merge FILE...';

async function finish(io: Io, out: string, ceremony: Ceremony): Promise<Outcome> {
  const path = inFolder(io.cwd, out);
  await assertAbsent(path);
  await writeOutput(path, encodeCeremony(ceremony));
  return {
    json: { path, purpose: ceremony.purpose, files: describeCeremony(ceremony) },
    text: [`wrote ${path}, signed by nobody yet`, '', ...linesOf(ceremony, (keyId) => keyId), '', NEXT],
  };
}

const baseOf = (workspace: Workspace): ReturnType<typeof loadTrustBase> =>
  loadTrustBase(workspace.dir, Object.keys(workspace.config.lines));

function parseCount(text: string, option: string): number {
  return Number(parseNumber(text, option));
}

async function loadAll(io: Io, workspace: Workspace, names: readonly string[]): Promise<PublicKey[]> {
  return Promise.all(names.map((name) => loadPublicKey(io, workspace, name)));
}

const KEY_HINT = 'PEM file, or name of a key in this workspace';

export const begin = defineCommand({
  summary: 'begin the first trust of several people: root and release keys, m of n',
  about: [
    'Makes root, targets and the list of each line, for the root keys of several holders. The keys that the server uses for',
    'freshness come from the server (after "pawl login LINK --without-trust") or from --snapshot and --timestamp.',
  ],
  options: {
    'root-key': { type: 'string', value: 'KEY', summary: `a root key: ${KEY_HINT}`, multiple: true },
    threshold: { type: 'string', value: 'N', summary: 'how many root keys must sign', required: true },
    'release-key': { type: 'string', value: 'KEY', summary: 'a release key (default release)', multiple: true },
    'release-threshold': { type: 'string', value: 'N', summary: 'how many release keys must sign', default: '1' },
    'image-key': {
      type: 'string',
      value: 'KEY',
      summary: 'a key that signs envelopes (default image)',
      multiple: true,
    },
    snapshot: { type: 'string', value: 'KEY', summary: 'the snapshot key of the server' },
    timestamp: { type: 'string', value: 'KEY', summary: 'the timestamp key of the server' },
    ...OUT_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: 'pawl trust begin --root-key alice.pem --root-key bob.pem --root-key carol.pem --threshold 2',
  async run({ values, io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    if (await hasTrust(workspace.dir)) throw new CliError('CLI_FILE_EXISTS', { path: `${workspace.dir}/trust` });
    const { snapshot, timestamp } = values;
    const online =
      snapshot === undefined || timestamp === undefined
        ? await fetchOnlineKeys(workspace)
        : {
            snapshot: await loadPublicKey(io, workspace, snapshot),
            timestamp: await loadPublicKey(io, workspace, timestamp),
          };
    const orElse = (names: readonly string[], name: string): readonly string[] => (names.length === 0 ? [name] : names);
    const imageKeys = await loadAll(io, workspace, orElse(values['image-key'], 'image'));
    const requiredAlgorithms = [...new Set(imageKeys.map(({ algorithm }) => algorithm))];
    const draft = draftTrust({
      rootKeys: await loadAll(io, workspace, orElse(values['root-key'], 'root')),
      rootThreshold: parseCount(values.threshold, '--threshold'),
      releaseKeys: await loadAll(io, workspace, orElse(values['release-key'], 'release')),
      releaseThreshold: parseCount(values['release-threshold'], '--release-threshold'),
      online,
      lines: Object.keys(workspace.config.lines).map((line) => ({ line, keys: imageKeys, requiredAlgorithms })),
      now: io.now(),
    });
    return finish(io, values.out, newCeremony({ purpose: 'the first trust', ...draft, base: new Map() }));
  },
});

/** `root=2` */
function parseThresholds(texts: readonly string[]): Map<string, number> {
  return new Map(
    texts.map((text) => {
      const match = /^(root|release)=(\d{1,3})$/.exec(text);
      if (match === null) throw new CliError('CLI_USAGE', { threshold: text, expected: 'such as root=2 or release=2' });
      return [match[1] === 'root' ? 'root' : 'targets', Number(match[2])];
    }),
  );
}

export const exportChange = defineCommand({
  summary: 'write new versions to be signed: later expiry, another threshold, a line withdrawn',
  positionals: [
    {
      name: 'ROLE',
      summary: 'root, targets, or a line: gets a new version and a later expiry',
      optional: true,
      multiple: true,
    },
  ],
  options: {
    threshold: {
      type: 'string',
      value: 'ROLE=N',
      summary: 'how many keys of root or release must sign',
      multiple: true,
    },
    revoke: { type: 'string', value: 'LINE', summary: 'nobody speaks for this line any more', multiple: true },
    ...OUT_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: 'pawl trust export root targets --threshold root=3 --out renewal.json',
  async run({ values, positionals: roles, io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const thresholds = parseThresholds(values.threshold);
    const ceremony = renew(await baseOf(workspace), { roles, thresholds, revoke: values.revoke }, io.now());
    return finish(io, values.out, ceremony);
  },
});

type Given = {
  readonly add: readonly string[];
  readonly remove: readonly string[];
  readonly threshold: string | undefined;
};

async function keyChange(io: Io, workspace: Workspace, given: Given): Promise<KeyChange> {
  return {
    add: await loadAll(io, workspace, given.add),
    remove: await Promise.all(given.remove.map((text) => loadKeyId(io, workspace, text))),
    ...(given.threshold === undefined ? {} : { threshold: parseCount(given.threshold, '--threshold') }),
  };
}

export const rotate = defineCommand({
  summary: 'write a change of keys to be signed: root, release, image, those of the server, or of a line',
  about: [
    'release: the keys that list releases, in the root and in every line that has the same ones.',
    'image: the keys that sign envelopes of a line. A line: the keys of its list only.',
    'online: snapshot and timestamp as the server has them now; snapshot, timestamp: one of them, with --add and --remove.',
  ],
  positionals: [{ name: 'ROLE', summary: 'root, release, image, online, snapshot, timestamp, or a line' }],
  options: {
    add: { type: 'string', value: 'KEY', summary: KEY_HINT, multiple: true },
    remove: { type: 'string', value: 'KEY', summary: `${KEY_HINT}, or a key id of "pawl trust show"`, multiple: true },
    threshold: { type: 'string', value: 'N', summary: 'how many keys must sign from then on' },
    require: { type: 'string', value: 'NAME', summary: 'image: an algorithm that must sign', multiple: true },
    line: { type: 'string', value: 'NAME', summary: 'image: the line (may be left out when there is only one)' },
    ...OUT_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: 'pawl trust rotate root --add dave.pem --remove alice.pem',
  async run({ values, positionals: [role = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const base = await baseOf(workspace);
    const now = io.now();
    if (role === 'image') {
      const current = await loadLineKeys(workspace.dir, chooseLine(workspace, values.line));
      const required = values.require.length === 0 ? undefined : values.require.map(parseSignatureAlgorithm);
      const [add, remove] = [await loadAll(io, workspace, values.add), await loadAll(io, workspace, values.remove)];
      return finish(io, values.out, rotateImage(base, current, { add, remove, required }, now));
    }
    if (role === 'online') return finish(io, values.out, rotateOnline(base, await fetchOnlineKeys(workspace), now));
    const change = await keyChange(io, workspace, values);
    if (role === 'root' || role === 'snapshot' || role === 'timestamp') {
      return finish(io, values.out, rotateTop(base, role, change, now));
    }
    if (role === 'release') return finish(io, values.out, rotateRelease(base, change, now));
    return finish(io, values.out, rotateLine(base, chooseLine(workspace, role), change, now));
  },
});

export const list = defineCommand({
  summary: 'write the listing of a release to be signed, where several release keys must',
  about: ['Verifies the release folder first. After the merge, "pawl publish" uploads it and needs no key.'],
  positionals: [{ name: 'DIR', summary: 'the release folder that "pawl seal" made' }],
  options: { ...OUT_OPTION, ...WORKSPACE_OPTION },
  example: 'pawl trust list releases/kettle/1.4.0',
  async run({ values, positionals: [folder = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const { dir, release } = await loadReleaseFolder(inFolder(io.cwd, folder));
    const { line, version } = release;
    lineOf(workspace, line);
    await verifyReleaseFolder(dir, await loadLineKeys(workspace.dir, line));
    const { next } = await draftListing(workspace.dir, release, io.now());
    if (next === undefined) throw new CliError('CLI_FILE_EXISTS', { what: `${line} ${version} is listed already` });
    const purpose = `list ${line} ${version}`;
    const base = await baseOf(workspace);
    return finish(io, values.out, newCeremony({ purpose, metadata: new Map([[line, next]]), base }));
  },
});
