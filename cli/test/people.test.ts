/** People, tokens and the audit on the command line, against a server. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { type RunningServer, startServer } from '@pawl/server/main';
import { LINE, Place } from './workspace-fixture.ts';

let place: Place;
let other: Place;
let server: RunningServer;

before(async () => {
  [place, other] = [await Place.make(), await Place.make()];
  const common = { host: '127.0.0.1', port: 0, pollIntervalS: 300, logLevel: 'silent' as const };
  server = await startServer({ dataDir: place.path('server'), now: () => new Date(), ...common });
  const identity = ['--line', LINE, '--vendor-domain', 'kettles.example', '--class-info', 'kettle 1'];
  const made = await place.pawl('init', ...identity, '--server', `${server.url}/#claim=${server.claim}`, '--json');
  assert.equal(made.status, 0, made.err.join());
  assert.equal((await other.pawl('init', ...identity, '--json')).status, 0);
});
after(async () => {
  await server.close();
  await place[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

async function ok<T = Record<string, unknown>>(at: Place, ...words: string[]): Promise<T> {
  const ran = await at.pawl(...words, '--json');
  assert.equal(ran.status, 0, ran.err.join());
  return ran.json as T;
}
async function fails(at: Place, code: RegExp, ...words: string[]): Promise<void> {
  const ran = await at.pawl(...words);
  assert.match(ran.err[0] ?? 'done', code, words.join(' '));
}

test('whoever is invited logs in with the link, and may what was granted until that is taken away', async () => {
  const made = await ok<{ link: string; person: { id: number } }>(place, 'people', 'invite', 'Ada', 'viewer');
  const id = String(made.person.id);
  await ok(other, 'login', made.link, '--without-trust');
  await ok(other, 'device', 'list');
  await fails(other, /API_FORBIDDEN/, 'device', 'claim', 'kettle-1');
  await ok(place, 'people', 'grant', id, 'operator', 'approver');
  await ok(other, 'token', 'create', 'mine', '--valid-for', '3600');
  const people = await ok<{ id: number; roles: string[] }[]>(place, 'people', 'list');
  assert.deepEqual(people.find((person) => String(person.id) === id)?.roles, ['operator', 'approver']);
  await fails(place, /CLI_USAGE/, 'people', 'grant', id, 'emperor');
  const pem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' });
  await writeFile(place.path('ada.pem'), pem);
  assert.equal((await ok(place, 'people', 'key', id, 'ada.pem'))['algorithm'], 'Ed25519');
  await ok(place, 'people', 'disable', id);
  await fails(other, /API_UNAUTHENTICATED/, 'device', 'list');
  await ok(place, 'people', 'enable', id);
  const again = await ok<{ link: string }>(place, 'people', 'invite', id, '--again');
  await ok(other, 'login', again.link, '--without-trust');
});

test('every role logs in, from an empty folder too; only who may publish touches the trust', async () => {
  const roles = ['viewer', 'auditor', 'operator', 'approver', 'monitor'];
  for (const role of roles) {
    await using folder = await Place.make();
    const { link } = await ok<{ link: string }>(place, 'people', 'invite', role, role);
    const said = await folder.pawl('login', link);
    assert.equal(said.status, 0, said.err.join());
    assert.deepEqual(said.out, [`logged in to ${server.url} as ${role} (${role})`]);
    await fails(folder, role === 'monitor' ? /API_FORBIDDEN/ : /done/, 'rollout', 'list');
  }
  // Somebody who may publish, with another workspace's keys: the trust of the server is not theirs to replace.
  await using folder = await Place.make();
  const { link } = await ok<{ link: string }>(place, 'people', 'invite', 'Rita', 'release-manager');
  assert.match((await folder.pawl('login', link)).out.join(' '), /Next: pawl trust begin/);
});

test('a token of a machine is made for a line, listed and revoked', async () => {
  const words = ['token', 'create', 'builder', '--machine', '--permission', 'release:write', '--line', LINE];
  const made = await ok<{ id: string; lines: string[]; token: string }>(place, ...words);
  assert.deepEqual(made.lines, [LINE]);
  const listed = await ok<{ id: string }[]>(place, 'token', 'list', '--all');
  assert.ok(listed.some(({ id }) => id === made.id));
  await ok(place, 'token', 'revoke', made.id, '--all');
  await fails(place, /TOKEN_UNKNOWN/, 'token', 'revoke', made.id, '--all');
  await ok(place, 'token', 'create', 'looks', '--machine', '--role', 'viewer');
  await fails(place, /CLI_USAGE/, 'token', 'create', 'x', '--role', 'viewer');
  await fails(place, /CLI_USAGE/, 'token', 'create', 'x', '--permission', 'everything');
});

test('the audit says who did that, and goes into a file', async () => {
  const acts = await ok<{ operation: string; actor: string }[]>(place, 'audit', 'list', '--operation', 'setRoles');
  assert.match(acts[0]?.actor ?? '', /^person\/\d+$/);
  await ok(place, 'audit', 'export', '--out', 'audit.csv');
  assert.match(await readFile(place.path('audit.csv'), 'utf8'), /"setRoles","\/api\/v1\/people\/\d+\/roles","ok"/);
  await fails(place, /CLI_USAGE/, 'audit', 'export', '--format', 'xls', '--out', 'x');
});
