import assert from 'node:assert/strict';
import { appendFile, chmod, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { openSigningKey } from '../src/workspace/keyring.ts';
import { LINE, makeWorkspace, PASSPHRASE, Place, type Ran } from './workspace-fixture.ts';

const SEAL = ['seal', 'kettle.bin', '--sequence', '1', '--counter', '1', '--version'];
const ENTRIES = ['signing-log', 'entries'];

type Anomaly = { code: string; detail: string; index?: number };
type Key = { name: string; signings: number; failures: number; kinds: Record<string, number>; operators: string[] };

const anomaliesOf = (ran: Ran): Anomaly[] => ran.json['anomalies'] as Anomaly[];
const keyOf = (ran: Ran, name: string): Key => (ran.json['keys'] as Key[]).find((key) => key.name === name)!;
const codes = (ran: Ran): string[] => anomaliesOf(ran).map(({ code }) => code);

async function makePlace(): Promise<Place> {
  const place = await Place.make();
  await makeWorkspace(place);
  await writeFile(place.path('kettle.bin'), 'firmware');
  return place;
}

test('each key and each signature has its entry, and the log verifies as a bundle elsewhere', async () => {
  await using place = await makePlace();
  assert.equal((await place.pawl(...SEAL, '1.0.0')).status, 0);
  const ran = await place.pawl('key', 'audit', '--json', '--export', 'log.zip');
  assert.deepEqual([ran.status, anomaliesOf(ran)], [0, []]);
  // The envelope and the statement of the release.
  const image = keyOf(ran, 'image');
  assert.deepEqual([image.signings, image.kinds], [2, { cose: 1, statement: 1 }]);
  assert.equal(image.operators.length, 1);
  const verified = await place.pawl('verify', 'log.zip', '--key', 'signing-log/log.vkey', '--json');
  assert.equal(verified.status, 0, verified.err.join('\n'));
  // The start of the log, two keys, two signatures.
  assert.deepEqual(verified.json['counts'], { 'urn:pawl:signing:1': 5 });
  const text = (await place.pawl('key', 'audit')).out.join('\n');
  assert.match(text, /5 entries of the signing log, all verified/);
  assert.match(text, /image +image +file +\d{4}-\d\d-\d\d +- +2 /);
  assert.match(text, /signing-log +ledger +file /);
  assert.ok(!text.includes('(gone)'));
  assert.match(text, /nothing that does not fit/);
  const log = await readFile(place.path(...ENTRIES), 'utf8');
  assert.ok(!log.includes(PASSPHRASE));
});

test('an entry is there before its signature: when the log cannot be written, nothing is signed', async (t) => {
  await using place = await makePlace();
  if (process.getuid?.() === 0) {
    // Root writes where nobody may: put a folder in the place of the file.
    await rm(place.path(...ENTRIES));
    await rm(place.path('signing-log', 'checkpoint'));
    await mkdir(place.path(...ENTRIES));
  } else await chmod(place.path(...ENTRIES), 0o400);
  const ran = await place.pawl(...SEAL, '1.0.0');
  assert.notEqual(ran.status, 0);
  assert.match(ran.err[0] ?? '', /CLI_FILE_UNWRITABLE|CLI_FILE_UNREADABLE/);
  assert.deepEqual(await readdir(place.path('releases', LINE)).catch(() => []), []);
  t.diagnostic(ran.err[0] ?? '');
});

test('a log that was changed signs nothing, and the audit refuses it', async () => {
  await using place = await makePlace();
  await place.pawl(...SEAL, '1.0.0');
  const entries = await readFile(place.path(...ENTRIES));
  const refused = async (changed: Uint8Array | string): Promise<void> => {
    await writeFile(place.path(...ENTRIES), changed);
    const audited = await place.pawl('key', 'audit');
    assert.match(audited.err[0] ?? '', /SIGNING_LOG_BROKEN/);
    assert.equal(audited.status, 1);
  };
  const signsNothing = async (): Promise<void> => {
    assert.match((await place.pawl(...SEAL, '2.0.0')).err[0] ?? '', /SIGNING_LOG_BROKEN/);
  };
  const lines = entries.toString().trimEnd().split('\n');
  const joined = (some: readonly string[]): string => `${some.join('\n')}\n`;
  await refused(joined(lines.slice(0, -1)));
  await signsNothing();
  await refused(joined(lines.slice(1)));
  await refused(joined(lines.toSpliced(2, 1)));
  await refused(joined([...lines, lines.at(-1)!]));
  await refused(joined(lines.with(1, lines[2]!)));
  await signsNothing();
  await refused('');
  // Some bits of each entry; a line feed that comes or goes is among them.
  for (let at = 0; at < entries.length; at += Math.ceil(entries.length / 12)) {
    await refused(Uint8Array.from(entries).with(at, entries[at]! ^ 1));
  }
  await writeFile(place.path(...ENTRIES), entries);
  assert.equal((await place.pawl(...SEAL, '2.0.0')).status, 0);
});

test('a checkpoint of another log, or a changed one, is refused', async () => {
  await using place = await makePlace();
  await using other = await makePlace();
  const path = place.path('signing-log', 'checkpoint');
  const before = await readFile(path, 'utf8');
  await copyFile(other.path('signing-log', 'checkpoint'), path);
  assert.match((await place.pawl('key', 'audit')).err[0] ?? '', /CHECKPOINT_SIGNER_UNKNOWN/);
  await writeFile(path, before.replace(/\n3\n/, '\n2\n'));
  assert.match((await place.pawl('key', 'audit')).err[0] ?? '', /CHECKPOINT_SIGNATURE_INVALID/);
  await rm(path);
  assert.match((await place.pawl(...SEAL, '1.0.0')).err[0] ?? '', /SIGNING_LOG_BROKEN/);
});

test('a power cut leaves half a line, or an entry without its checkpoint: both are taken up', async () => {
  await using place = await makePlace();
  const sealed = await readFile(place.path('signing-log', 'checkpoint'));
  await appendFile(place.path(...ENTRIES), '{"payload":"half of a li');
  assert.equal((await place.pawl('key', 'audit')).status, 0);
  assert.equal((await place.pawl('key', 'new', 'spare', '--role', 'image')).status, 0);
  assert.ok(!(await readFile(place.path(...ENTRIES), 'utf8')).includes('half of a li'));
  await writeFile(place.path('signing-log', 'checkpoint'), sealed);
  assert.equal((await place.pawl('key', 'audit')).status, 0);
  assert.equal((await place.pawl(...SEAL, '1.0.0')).status, 0);
  const ran = await place.pawl('key', 'audit', '--json');
  assert.deepEqual([ran.status, ran.json['entries']], [0, 6]);
});

test('a log that was cut together with its checkpoint is found by a checkpoint that was kept elsewhere', async () => {
  await using place = await makePlace();
  const state = async () => [
    await readFile(place.path(...ENTRIES)),
    await readFile(place.path('signing-log', 'checkpoint')),
  ];
  const [entries, checkpoint] = await state();
  await place.pawl(...SEAL, '1.0.0');
  await copyFile(place.path('signing-log', 'checkpoint'), place.path('kept'));
  assert.equal((await place.pawl('key', 'audit', '--checkpoint', 'kept')).status, 0);
  await writeFile(place.path(...ENTRIES), entries!);
  await writeFile(place.path('signing-log', 'checkpoint'), checkpoint!);
  assert.match((await place.pawl('key', 'audit', '--checkpoint', 'kept')).err[0] ?? '', /SIGNING_LOG_BROKEN/);
  // Without it, the signatures that lie in the workspace still tell.
  const ran = await place.pawl('key', 'audit', '--json');
  assert.equal(ran.status, 1);
  assert.deepEqual(codes(ran), ['signature-without-entry', 'signature-without-entry']);
});

test('the audit finds a key that came from nowhere, a clock that went back, and an end that has passed', async () => {
  await using place = await makePlace();
  await using other = await makePlace();
  await other.pawl('key', 'new', 'foreign', '--role', 'image');
  await copyFile(other.path('keys', 'foreign.json'), place.path('keys', 'foreign.json'));
  assert.deepEqual(codes(await place.pawl('key', 'audit', '--json')), ['key-without-entry']);
  await rm(place.path('keys', 'foreign.json'));
  await place.pawl('key', 'new', 'short', '--role', 'image', '--expires', '2998-01-01');
  place.now = new Date('2020-01-01T00:00:00.000Z');
  await place.pawl(...SEAL, '1.0.0');
  assert.deepEqual(codes(await place.pawl('key', 'audit', '--json')), ['time-went-back']);
  place.now = new Date('2999-01-01T00:00:00.000Z');
  const ran = await place.pawl('key', 'audit', '--json', '--since', '2998-12-31');
  assert.deepEqual(codes(ran), ['time-went-back', 'expired']);
  assert.deepEqual([ran.json['entries'], keyOf(ran, 'image').signings], [0, 0]);
  assert.match((await place.pawl('key', 'audit', '--since', 'May')).err[0] ?? '', /CLI_USAGE/);
});

test('a key signs nothing outside its role', async () => {
  await using place = await makePlace();
  const host = { env: {}, now: () => new Date(), note: () => undefined };
  const workspace = { dir: place.dir, config: { pawl: 1 as const, tokenFile: 'token', lines: {} }, host };
  const image = await openSigningKey(workspace, 'image', PASSPHRASE);
  const root = new TextEncoder().encode('{"_type":"root","spec_version":"1.0","version":7}');
  await assert.rejects(image.sign(root), { code: 'CLI_KEY_ROLE_MISMATCH' });
  await place.pawl('key', 'new', 'boss', '--role', 'root');
  const boss = await openSigningKey(workspace, 'boss', PASSPHRASE);
  boss.publicKey.verify(root, await boss.sign(root));
  await assert.rejects(boss.sign(new TextEncoder().encode('firmware')), { code: 'CLI_KEY_ROLE_MISMATCH' });
  await assert.rejects(openSigningKey(workspace, 'signing-log', PASSPHRASE), { code: 'CLI_KEY_MISSING' });
  const ran = await place.pawl('key', 'audit', '--json');
  assert.deepEqual([ran.status, keyOf(ran, 'boss').kinds], [0, { root: 1 }]);
});

test('a signature that a key failed to make is told as that', async () => {
  await using place = await makePlace();
  await place.pawl('key', 'export', 'image', '--out', 'image.pub');
  const add = ['key', 'add', 'liar', '--role', 'image', '--exec', '--public', 'image.pub', '--', 'false'];
  assert.match((await place.pawl(...add)).err[0] ?? '', /KEYS_TOOL_FAILED/);
  const ran = await place.pawl('key', 'audit', '--json');
  assert.deepEqual([keyOf(ran, 'image').signings, keyOf(ran, 'image').failures], [0, 1]);
});

test('several processes at once lose no entry', async () => {
  await using place = await makePlace();
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const runs = await Promise.all(names.map((name) => place.pawl('key', 'new', name, '--role', 'image')));
  assert.deepEqual(
    runs.map(({ status }) => status),
    names.map(() => 0),
  );
  const ran = await place.pawl('key', 'audit', '--json');
  assert.deepEqual([ran.status, ran.json['entries']], [0, 3 + names.length]);
});

test('the operator is named by the workspace, or by the system', async () => {
  await using place = await makePlace();
  const config = JSON.parse(await readFile(place.path('pawl.json'), 'utf8')) as object;
  await writeFile(place.path('pawl.json'), JSON.stringify({ ...config, operator: 'Ada Lovelace' }));
  await place.pawl(...SEAL, '1.0.0');
  const [system, workspace] = keyOf(await place.pawl('key', 'audit', '--json'), 'image').operators;
  assert.ok(system !== undefined && system !== '');
  assert.equal(workspace, 'Ada Lovelace');
  await writeFile(place.path('pawl.json'), JSON.stringify({ ...config, operator: '' }));
  assert.match((await place.pawl('key', 'audit')).err[0] ?? '', /CLI_WORKSPACE_MALFORMED/);
});

test('a workspace without a log says so', async () => {
  await using place = await makePlace();
  await rm(place.path('signing-log'), { recursive: true });
  assert.match((await place.pawl('key', 'audit')).err[0] ?? '', /CLI_SIGNING_LOG_MISSING/);
});
