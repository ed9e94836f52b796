import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import type { Rollout } from '@pawl/contract/management';
import { makeSwu } from './swu-fixture.ts';
import { LINE, Place } from './workspace-fixture.ts';

const MAIN = resolve(import.meta.dirname, '../bin/pawl.js');
// With CI=true a missing tool must fail the test, not skip it.
const skip =
  spawnSync('openssl', ['version']).error !== undefined && process.env['CI'] !== 'true'
    ? 'openssl is not installed'
    : false;
const image = Buffer.alloc(50_000, 'image');

type Listening = { readonly url: string; readonly claimLink?: string };

async function startServer(place: Place, ...words: string[]): Promise<{ child: ChildProcess; said: Listening }> {
  const child = spawn(process.execPath, [MAIN, 'serve', '--data', place.path('server'), '--json', ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout! })) return { child, said: JSON.parse(line) };
  throw new Error('the server ended before it listened');
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
}

describe('the commands against a server', () => {
  let place: Place;
  let server: ChildProcess;
  let said: Listening;
  before(async () => {
    place = await Place.make();
    ({ child: server, said } = await startServer(place, '--port', '0'));
    const identity = ['--line', LINE, '--vendor-domain', 'kettles.example', '--class-info', 'kettle 1'];
    const made = await place.pawl('init', ...identity, '--server', said.claimLink ?? '', '--json');
    assert.equal(made.status, 0, made.err.join());
  });
  after(async () => {
    await stop(server);
    await place[Symbol.asyncDispose]();
  });

  const ok = async (...words: string[]): Promise<Record<string, unknown>> => {
    const ran = await place.pawl(...words, '--json');
    assert.equal(ran.status, 0, ran.err.join());
    return ran.json;
  };
  const fails = async (status: number, code: RegExp, ...words: string[]): Promise<void> => {
    const ran = await place.pawl(...words);
    assert.match(ran.err[0] ?? 'done', code, words.join(' '));
    assert.match(ran.err[1] ?? '', /^hint: ./);
    assert.equal(ran.status, status, words.join(' '));
  };

  test('events are shown, by type, and followed', async () => {
    await ok('device', 'add', 'seen', '--line', LINE);
    for (let turn = 0; turn < 200; turn += 1) {
      const { out } = await place.pawl('events', '--type', 'pawl.device.enrolled');
      if (out.some((row) => row.includes('device/seen'))) break;
    }
    const followed = spawn(process.execPath, [MAIN, 'events', '--follow', '--json', '--workspace', place.path('.')], {
      cwd: place.path('.'),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const subjects: string[] = [];
    for await (const row of createInterface({ input: followed.stdout })) {
      subjects.push(String(JSON.parse(row).subject));
      if (subjects.at(-1) === 'device/seen') await ok('device', 'add', 'later', '--line', LINE);
      if (subjects.at(-1) === 'device/later') break;
    }
    await stop(followed);
    await fails(2, /CLI_USAGE/, 'events', '--type', 'pawl.everything');
  });

  test('webhooks are set up, shown without their secret, paused, resumed, rotated and removed', async () => {
    const url = 'https://hooks.example/pawl';
    const made = await ok('webhook', 'add', url, '--type', 'pawl.rollout.halted', '--line', LINE);
    assert.match(String(made['secret']), /^whsec_/);
    const listed = await place.pawl('webhook', 'list');
    assert.ok(listed.out.join().includes(url) && !listed.out.join().includes(String(made['secret'])));
    assert.equal((await ok('webhook', 'pause', '1'))['state'], 'paused');
    const resumed = await ok('webhook', 'resume', '1');
    assert.deepEqual([resumed['state'], resumed['types'], resumed['line']], ['active', ['pawl.rollout.halted'], LINE]);
    assert.notEqual((await ok('webhook', 'rotate', '1'))['secret'], made['secret']);
    assert.deepEqual(await ok('webhook', 'dead', '1', '--redeliver'), { queued: 0 });
    await fails(1, /EGRESS_ADDRESS_REFUSED/, 'webhook', 'add', 'https://169.254.169.254/');
    await fails(2, /CLI_USAGE/, 'webhook', 'add', url, '--type', 'pawl.everything');
    await ok('webhook', 'remove', '1');
    await fails(1, /WEBHOOK_UNKNOWN/, 'webhook', 'remove', '1');
  });

  test('init made keys and trust, and keeps the token to its owner', async () => {
    assert.equal((await stat(place.path('token'))).mode & 0o777, 0o600);
    const { keys } = { keys: await ok('key', 'list') } as unknown as { keys: { role: string }[] };
    assert.deepEqual(keys.map(({ role }) => role).toSorted(), ['image', 'line', 'release', 'root']);
    assert.match(await readFile(place.path('trust', '1.root.json'), 'utf8'), /"_type":"root"/);
    await fails(2, /CLI_FILE_EXISTS/, 'init', '--line', 'x', '--vendor-domain', 'x', '--class-info', 'x');
  });

  test('a claim link works once', async () => {
    await fails(1, /CLAIM_INVALID/, 'login', said.claimLink ?? '');
    await fails(2, /CLI_USAGE/, 'login', 'http://127.0.0.1/');
    const { err } = await place.pawl('login', `${said.url}/#claim=guess`);
    assert.doesNotMatch(err.join(), /guess/);
  });

  test('publish lists and uploads, may be repeated, and refuses what the image key did not sign', async () => {
    await writeFile(place.path('kettle.bin'), image);
    const seal = ['seal', 'kettle.bin', '--version', '1.0.0', '--sequence', '1', '--counter', '1'];
    const { dir } = await ok(...seal);
    await writeFile(place.path('wrong.json'), '{"bomFormat":"CycloneDX"}');
    await fails(1, /SBOM_INVALID/, 'publish', String(dir), '--sbom', 'wrong.json');
    const components = [{ type: 'library', name: 'zlib', version: '1.3', purl: 'pkg:generic/zlib@1.3' }];
    const sbom = JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, components });
    await writeFile(place.path('kettle.cdx.json'), sbom);
    const first = await ok('publish', String(dir), '--sbom', 'kettle.cdx.json');
    assert.equal(first['state'], 'published');
    assert.equal((await ok('publish', String(dir), '--sbom', 'kettle.cdx.json'))['id'], first['id']);
    assert.deepEqual((await ok('release', 'sbom', `${String(first['line'])}/1.0.0`))['components'], components);
    const { entries } = await ok('ledger', 'show');
    assert.equal(JSON.stringify(entries).split('urn:pawl:sbom:1').length, 2, 'stated once');
    await ok('key', 'new', 'stranger', '--role', 'image');
    const bad = await ok(...seal.with(3, '1.0.1'), '--key', 'stranger');
    await fails(1, /SUIT_KEY_UNKNOWN/, 'publish', String(bad['dir']));
    // The same version again with other bytes: the server knows that version, the list does too.
    const again = await ok(...seal, '--out', 'again');
    await fails(1, /RELEASE_|ARTIFACT_|CLI_RELEASE_MISMATCH/, 'publish', String(again['dir']));
  });

  test('publish takes a .swu that is signed under a certificate of the line, and no other', { skip }, async () => {
    makeSwu(place.dir, 'gateway.swu');
    await fails(2, /CLI_USAGE/, 'publish', 'gateway.swu');
    await fails(1, /IMAGE_|RELEASE_/, 'publish', 'gateway.swu', '--version', '2.0.0');
    const published = await ok('publish', 'gateway.swu', '--version', '2.0.0', '--certificate', 'signer.pem');
    assert.deepEqual([published['kind'], published['state']], ['foreign', 'published']);
    assert.equal((await ok('verify', 'gateway.swu', '--key', 'signer.pem'))['isAuthentic'], true);
  });

  test('devices are changed, tagged by filter and grouped; gateways and tenants come and go', async () => {
    await ok('device', 'add', 'sensor-1', '--model', 'sensor');
    const changed = await ok('device', 'set', 'sensor-1', '--attribute', 'site=Berlin', '--tag', 'new');
    assert.deepEqual([changed['operatorAttributes'], changed['tags']], [{ site: 'Berlin' }, ['new']]);
    await fails(2, /CLI_USAGE/, 'device', 'set', 'sensor-1', '--attribute', 'site');
    const tagged = await ok('device', 'tag', 'operator.site:Berlin', '--add', 'de', '--remove', 'new');
    assert.equal(tagged['devices'], 1);
    await ok('group', 'set', 'german', 'tag:de');
    assert.equal((await ok('group', 'show', 'german'))['devices'], 1);
    const { id } = await ok('gateway', 'create', 'cellar', 'sensor-1');
    await ok('gateway', 'change', String(id), '--remove', 'sensor-1');
    await ok('gateway', 'revoke', String(id));
    await fails(1, /GATEWAY_UNKNOWN/, 'gateway', 'revoke', String(id));
    await ok('group', 'remove', 'german');
    assert.match(String((await ok('tenant', 'create', 'acme'))['link']), /#claim=/);
    assert.equal(((await ok('tenant', 'list')) as unknown as unknown[]).length, 2);
    await ok('device', 'remove', 'sensor-1');
  });

  test('devices are claimed, added, listed, shown and removed', async () => {
    const { claim } = await ok('device', 'claim', 'kettle-1', '--tag', 'kitchen');
    assert.equal(typeof claim, 'string');
    const { token } = await ok('device', 'add', 'gateway-1', '--model', 'gateway');
    assert.equal(typeof token, 'string');
    const names = (await ok('device', 'list', '--filter', 'model:gateway')) as unknown as { controllerId: string }[];
    assert.deepEqual(
      names.map(({ controllerId }) => controllerId),
      ['gateway-1'],
    );
    assert.equal((await ok('device', 'show', 'gateway-1'))['kind'], 'foreign');
    assert.equal((await place.pawl('device', 'show', 'gateway-1')).status, 0);
    assert.match((await place.pawl('device', 'list')).out.join('\n'), /gateway-1 +gateway +foreign/);
    await ok('device', 'remove', 'gateway-1');
    await fails(1, /DEVICE_UNKNOWN/, 'device', 'show', 'nobody');
    await fails(1, /FILTER_MALFORMED/, 'device', 'list', '--filter', 'colour:red');
  });

  test('Mender devices are preauthorised, listed, rejected and accepted by number', async () => {
    const { publicKey } = generateKeyPairSync('ed25519');
    await writeFile(place.path('device.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
    const made = await ok('mender', 'preauthorise', 'm-1', '--identity', 'mac=00:11', '--key', 'device.pub.pem');
    assert.deepEqual([made['identity'], made['state'], made['controllerId']], ['{"mac":"00:11"}', 'accepted', 'm-1']);
    assert.match((await place.pawl('mender', 'list')).out.join('\n'), /accepted +m-1/);
    assert.equal((await ok('mender', 'reject', String(made['id'])))['state'], 'rejected');
    const again = await ok('mender', 'accept', String(made['id']), 'm-1', '--key-change');
    assert.equal(again['state'], 'accepted');
    assert.match((await place.pawl('device', 'log', 'm-1')).out.join(), /no release yet/);
    await fails(2, /CLI_USAGE/, 'mender', 'preauthorise', 'm-2', '--key', 'device.pub.pem');
    await fails(2, /CLI_USAGE/, 'mender', 'preauthorise', 'm-2', '--key', 'device.pub.pem', '--identity', 'mac');
    await fails(2, /CLI_USAGE/, 'mender', 'list', '--state', 'odd');
    await fails(1, /MENDER_REQUEST_UNKNOWN/, 'mender', 'reject', '999');
  });

  test('rollouts are made, started, paused, resumed, shown and stopped', async () => {
    await ok('device', 'claim', 'kettle-2', '--tag', 'rollout');
    await fails(1, /CLI_RELEASE_UNKNOWN/, 'rollout', 'create', 'r', '--version', '9.9.9');
    await fails(2, /CLI_USAGE/, 'rollout', 'create', 'r', '--version', '1.0.0', '--success', 'hope');
    await ok('device', 'add', 'kettle-3', '--model', 'kettle', '--tag', 'rollout');
    const made = await ok(
      'rollout',
      'create',
      'r',
      '--version',
      '1.0.0',
      '--filter',
      'name:kettle-3',
      '--success',
      'reported',
    );
    const id = String(made['id']);
    for (const [verb, state] of [
      ['start', 'running'],
      ['pause', 'paused'],
      ['resume', 'running'],
    ]) {
      assert.equal((await ok('rollout', verb!, id))['state'], state);
    }
    assert.equal((await ok('rollout', 'show', id))['devices'], 1);
    await fails(3, /CLI_ROLLOUT_UNFINISHED/, 'rollout', 'watch', id, '--timeout', '0');
    assert.equal((await ok('rollout', 'stop', id))['state'], 'stopped');
    assert.equal((await place.pawl('rollout', 'watch', id)).status, 0);
    assert.match((await place.pawl('rollout', 'show')).out.join('\n'), / r +1\.0\.0 +stopped /);
  });

  test('a rollout in waves is planned in words, shown as a table, and moved on by people', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `wave-${index}`);
    for (const name of names) await ok('device', 'add', name, '--model', 'kettle');
    const create = ['rollout', 'create', 'w', '--version', '1.0.0', '--filter', 'name:wave-*'];
    for (const wrong of [
      ['--wave', 'half'],
      ['--wave', '5%,soak=soon'],
      ['--wave', '5%,hope=1'],
      ['--wave', 'rest', '--wave', '5%'],
      ['--confidence', '42'],
      ['--ramp', '1'],
      ['--start-at', 'noon'],
      ['--answer-within', '3'],
    ])
      await fails(2, /CLI_USAGE/, ...create, ...wrong);
    const waves = ['--wave', '12.5%,success=50,errors=2,soak=2h', '--wave', '3'];
    const speed = ['--rate', '100', '--ramp', '10,1.5,20', '--weight', '700', '--attempts', '2', '--dynamic'];
    const times = ['--answer-within', '2h', '--install-within', '90m', '--end-at', '2100-01-01T00:00:00+01:00'];
    const judged = ['--confidence', '99', '--min-answers', '7'];
    const made = (await ok(...create, ...waves, ...speed, ...times, ...judged, '--start')) as Partial<Rollout>;
    assert.deepEqual(
      made.waves?.map(({ percent, count, size, successPercent, errorPercent, soakS }) => [
        percent ?? count,
        size,
        successPercent,
        errorPercent,
        soakS,
      ]),
      [
        [12.5, 1, 50, 2, 7200],
        [3, 3, 90, 20, 0],
        [null, null, 90, 20, 0],
      ],
    );
    assert.deepEqual(
      [made.ratePerMinute, made.ramp, made.weight, made.retry, made.isDynamic, made.timeOutS, made.endAt, made.halt],
      [
        100,
        { basePerMinute: 10, factor: 1.5, everySucceeded: 20 },
        700,
        { attempts: 2 },
        true,
        { answer: 7200, install: 5400 },
        '2099-12-31T23:00:00.000Z',
        { confidencePercent: 99, minAnswers: 7 },
      ],
    );
    const id = String(made.id);
    await ok('rollout', 'next', id);
    const shown = (await place.pawl('rollout', 'show', id)).out.join('\n');
    assert.match(shown, /^1 +12\.5 % +1 +done/m);
    assert.match(shown, /^2 +3 +3 +running/m);
    assert.match(shown, /^3 +rest +waiting/m);
    await fails(1, /ROLLOUT_NOTHING_TO_RETRY/, 'rollout', 'retry', id);
    await ok('rollout', 'next', id);
    await fails(1, /ROLLOUT_LAST_WAVE/, 'rollout', 'next', id);
    await ok('rollout', 'stop', id);
  });

  test('the ledger is shown, proven entry by entry, and exported', async () => {
    const { size, vkey } = await ok('ledger', 'show', '--last', '500');
    assert.ok(Number(size) > 0);
    assert.equal((await ok('ledger', 'proof', '0', '--out', 'entry0'))['isIncluded'], true);
    const proven = await ok('verify', 'entry0.tlog-proof', '--entry', 'entry0.json', '--key', 'ledger.vkey');
    assert.deepEqual([proven['isAuthentic'], proven['index']], [true, 0]);
    assert.equal((await ok('ledger', 'verify'))['isAuthentic'], true);
    await ok('ledger', 'export', '--out', 'bundle.zip');
    await fails(2, /CLI_FILE_EXISTS/, 'ledger', 'export', '--out', 'bundle.zip');
    assert.equal((await ok('verify', 'bundle.zip', '--key', String(vkey)))['isAuthentic'], true);
    assert.equal((await ok('verify', 'bundle.zip', '--key', 'ledger.vkey'))['isComplete'], true);
    await ok('evidence', 'list');
    await ok('ledger', 'export', '--line', LINE, '--out', 'part.zip');
    assert.equal((await ok('verify', 'part.zip', '--key', 'ledger.vkey'))['isComplete'], false);
    await ok('ledger', 'export', '--out', 'later.zip');
    const compared = await ok('ledger', 'compare', 'bundle.zip', 'later.zip', '--key', 'ledger.vkey');
    assert.equal(compared['isConsistent'], true);
    await fails(2, /CLI_USAGE/, 'verify', 'bundle.zip');
    const bundle = await readFile(place.path('bundle.zip'));
    bundle[bundle.length >> 1]! ^= 1;
    await writeFile(place.path('forged.zip'), bundle);
    await fails(1, /BUNDLE_/, 'verify', 'forged.zip', '--key', 'ledger.vkey');
  });

  test('a server whose answers do not fit together is not believed', async () => {
    const config = await readFile(place.path('pawl.json'), 'utf8');
    const liar = createServer((request, response) => {
      fetch(said.url + request.url, { headers: { authorization: request.headers.authorization ?? '' } })
        .then((answer) => answer.text())
        .then((body) => {
          const isList = request.url?.includes('/entries') === true;
          response.setHeader('content-type', 'application/json').end(isList ? '{"items":[],"next":null}' : body);
        })
        .catch(() => response.destroy());
    });
    liar.listen(0, '127.0.0.1');
    await once(liar, 'listening');
    const url = `http://127.0.0.1:${(liar.address() as AddressInfo).port}`;
    await writeFile(place.path('pawl.json'), JSON.stringify({ ...JSON.parse(config), server: url }));
    await fails(1, /CLI_ANSWER_MISMATCH/, 'ledger', 'proof', '0');
    await writeFile(place.path('pawl.json'), config);
    liar.close();
    liar.closeAllConnections();
  });

  test('a server that is away is status 3, and so is a port that is taken', async () => {
    const elsewhere = JSON.parse(await readFile(place.path('pawl.json'), 'utf8'));
    await writeFile(place.path('pawl.json'), JSON.stringify({ ...elsewhere, server: 'http://127.0.0.1:9' }));
    await fails(3, /CLIENT_UNREACHABLE/, 'device', 'list');
    await writeFile(place.path('pawl.json'), JSON.stringify(elsewhere));
    const taken = ['serve', '--data', 'other', '--port', new URL(said.url).port];
    await fails(3, /SERVER_PORT_IN_USE/, ...taken);
    await fails(1, /SERVER_TLS_REQUIRED/, 'serve', '--data', 'other', '--host', '0.0.0.0', '--port', '0');
    await fails(2, /CLI_USAGE/, 'serve', '--data', 'other', '--log', 'loud');
  });
});
