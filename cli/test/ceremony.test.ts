/** Two of three people make a trust in their own folders, and change it; a real server takes it, and foreign clients follow. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { refreshTrust, type TrustedMetadata, type TrustPersistence } from '@pawl/core/trust';
import { Updater } from 'tuf-js';
import { LINE, Place, type Ran } from './workspace-fixture.ts';

const MAIN = resolve(import.meta.dirname, '../bin/pawl.js');
const IDENTITY = ['--line', LINE, '--vendor-domain', 'kettles.example', '--class-info', 'kettle 1'];
const KEYS_PATH = `keys/${LINE}.cbor`;

type Listening = { readonly url: string; readonly claimLink?: string };

describe('a ceremony of several people', () => {
  let place: Place;
  let server: ChildProcess;
  let said: Listening;
  /** Foreign clients do not know how a device says who it is; this says it for them. */
  let proxy: Server;
  let token: string;
  let trustUrl: string;
  const kept = new Map<string, Uint8Array>();

  before(async () => {
    place = await Place.make();
    const words = [MAIN, 'serve', '--data', place.path('server'), '--json', '--port', '0'];
    server = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: server.stdout! }), 'line')) as [string];
    said = JSON.parse(line) as Listening;
    await Promise.all([
      ...['alice', 'bob', 'carol', 'dave'].map((name) => ok('trust', 'holder', name)),
      ...['erin', 'frank'].map((name) => ok('trust', 'holder', name, '--role', 'release')),
      ok('init', 'fleet', ...IDENTITY),
    ]);
    proxy = createServer((request, response) => {
      fetch(`${said.url}/DEFAULT/pawl/v1/trust${request.url}`, { headers: { authorization: `TargetToken ${token}` } })
        .then(async (answer) => response.writeHead(answer.status).end(await answer.bytes()))
        .catch(() => response.destroy());
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    trustUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/`;
  });
  after(async () => {
    proxy.close();
    proxy.closeAllConnections();
    server.kill('SIGTERM');
    if (server.exitCode === null) await once(server, 'exit');
    await place[Symbol.asyncDispose]();
  });

  const ok = async (...words: string[]): Promise<Record<string, unknown>> => {
    const ran = await place.pawl(...words, '--json');
    assert.equal(ran.status, 0, ran.err.join());
    return ran.json;
  };
  const fails = async (code: string, ...words: string[]): Promise<Ran> => {
    const ran = await place.pawl(...words);
    assert.match(ran.err[0] ?? 'done', new RegExp(`^error: ${code}:`), words.join(' '));
    assert.match(ran.err[1] ?? '', /^hint: ./);
    return ran;
  };
  const lead = (...words: string[]): Promise<Record<string, unknown>> => ok('trust', ...words, '--workspace', 'fleet');
  /** Somebody signs in their own folder; what comes back is the path of their copy. */
  const sign = async (who: string, file: string, key = 'root'): Promise<string> => {
    const { path } = await ok('trust', 'sign', file, '--key', key, '--who', who, '--workspace', who);
    return String(path);
  };
  const merge = async (...files: string[]): Promise<Record<string, unknown>> => {
    const merged = await lead('merge', ...files);
    await lead('push');
    return merged;
  };
  const fetchTrust = async (name: string): Promise<Uint8Array | undefined> => {
    const answer = await fetch(new URL(name, trustUrl));
    if (answer.status === 404) return undefined;
    assert.equal(answer.status, 200);
    return await answer.bytes();
  };
  /** The verifier of the agent, with what it kept from the last time. */
  const follow = async (): Promise<TrustedMetadata> => {
    const persist: TrustPersistence = {
      load: async (name) => kept.get(name),
      save: async (name, bytes) => void kept.set(name, bytes),
      remove: async (name) => void kept.delete(name),
    };
    const trusted = new Uint8Array(await readFile(place.path('fleet', 'trust', '1.root.json')));
    return refreshTrust({
      trusted,
      fetch: fetchTrust,
      persist,
      startedAt: new Date(),
      roles: [LINE],
      paths: [KEYS_PATH],
    });
  };

  test('two of three make the first trust, and one of three does not', async () => {
    await fails('CLI_TRUST_MISSING', 'trust', 'show', '--workspace', 'fleet');
    await ok('login', said.claimLink ?? '', '--without-trust', '--workspace', 'fleet');
    token = String((await ok('device', 'add', 'reader', '--workspace', 'fleet'))['token']);
    const roots = ['alice', 'bob', 'carol'].flatMap((who) => ['--root-key', `${who}/root.pem`]);
    await fails('TRUST_THRESHOLD_INVALID', 'trust', 'begin', ...roots, '--threshold', '4', '--workspace', 'fleet');
    const { path } = await lead('begin', ...roots, '--threshold', '2', '--out', 'first.json');
    assert.equal(path, place.path('first.json'));
    const [alice, release] = await Promise.all([sign('alice', 'first.json'), sign('fleet', 'first.json', 'release')]);
    await fails('TRUST_SIGNATURES_TOO_FEW', 'trust', 'merge', alice, release, '--workspace', 'fleet');
    await fails('TRUST_SIGNER_UNKNOWN', 'trust', 'sign', 'first.json', '--key', 'root', '--workspace', 'dave');
    await fails('CLI_FILE_EXISTS', 'trust', 'sign', 'first.json', '--key', 'root', '--workspace', 'alice');
    const shown = await lead('show', alice);
    assert.equal(shown['refusal'], 'TRUST_SIGNATURES_TOO_FEW');
    const merged = await merge(alice, await sign('bob', 'first.json'), release);
    const signatures = merged['signatures'] as { role: string; who: string }[];
    assert.deepEqual(
      signatures.filter(({ role }) => role === 'root').map(({ who }) => who),
      ['alice', 'bob'],
    );
    const [record = ''] = await readdir(place.path('fleet', 'trust', 'ceremonies'));
    assert.match(await readFile(place.path('fleet', 'trust', 'ceremonies', record), 'utf8'), /"who": "bob"/);
    const trusted = await follow();
    assert.deepEqual([trusted.root.version, trusted.root.roles.root.threshold], [1, 2]);
    await fails('CLI_FILE_EXISTS', 'trust', 'begin', ...roots, '--threshold', '2', '--workspace', 'fleet');
  });

  test('a root key and the release key are replaced; the old ones are worth nothing', async () => {
    // Alice leaves, Dave comes.
    await lead('rotate', 'root', '--add', 'dave/root.pem', '--remove', 'alice/root.pem', '--out', 'root.json');
    const text = (await place.pawl('trust', 'show', 'root.json', '--workspace', 'fleet')).out.join('\n');
    assert.match(text, /root: key in {3}[0-9a-f]{64}\n +root: key out {2}[0-9a-f]{64}/);
    const [bob, carol, dave] = await Promise.all([
      sign('bob', 'root.json'),
      sign('carol', 'root.json'),
      sign('dave', 'root.json'),
    ]);
    await fails('TRUST_SIGNATURES_TOO_FEW', 'trust', 'merge', bob, dave, '--workspace', 'fleet');
    await fails('TRUST_SIGNER_REPEATED', 'trust', 'merge', bob, await again(bob, 'root.json'), '--workspace', 'fleet');
    await merge(bob, carol, dave);

    // The release key of the fleet goes to Erin.
    const change = ['--add', 'erin/release.pem', '--remove', 'release'];
    await lead('rotate', 'release', ...change, '--out', 'release.json');
    await fails('TRUST_SIGNER_UNKNOWN', 'trust', 'sign', 'release.json', '--key', 'release', '--workspace', 'fleet');
    const copies = await Promise.all([sign('bob', 'release.json'), sign('dave', 'release.json')]);
    await fails('TRUST_SIGNATURES_TOO_FEW', 'trust', 'merge', ...copies, '--workspace', 'fleet');
    await merge(...copies, await sign('erin', 'release.json', 'release'));
    const trusted = await follow();
    assert.equal(trusted.root.version, 3);
    assert.equal(trusted.targets?.version, 2);
    // The revoked key lists no release any more.
    await writeFile(place.path('kettle.bin'), 'image');
    const seal = ['seal', 'kettle.bin', '--version', '1.0.0', '--sequence', '1', '--counter', '1'];
    const { dir } = await ok(...seal, '--workspace', 'fleet');
    await fails('TRUST_SIGNATURES_TOO_FEW', 'publish', String(dir), '--workspace', 'fleet');
  });

  /** The same holder signs the same file a second time. */
  const again = async (copy: string, file: string): Promise<string> => {
    const out = `${copy}.again.json`;
    await ok('trust', 'sign', file, '--key', 'root', '--workspace', 'bob', '--out', out);
    return out;
  };

  test('a ceremony that does not follow the known root is not signed', async () => {
    await lead('export', 'root', '--out', 'later.json');
    const stale = await readFile(place.path('root.json'), 'utf8');
    await writeFile(place.path('stale.json'), stale);
    const refused = ['trust', 'sign', '--key', 'root', '--workspace', 'fleet'];
    await fails('CLI_CEREMONY_MISMATCH', ...refused, 'stale.json');
    const forged = JSON.parse(await readFile(place.path('later.json'), 'utf8'));
    forged.from.root.signed.roles.root.threshold = 1;
    await writeFile(place.path('forged.json'), JSON.stringify(forged));
    await fails('CLI_CEREMONY_MISMATCH', ...refused, 'forged.json');
  });

  test('image keys, thresholds and expiries change; a line is withdrawn', async () => {
    await ok('key', 'new', 'image-2', '--role', 'image', '--algorithm', 'ESP384', '--workspace', 'fleet');
    const image = ['rotate', 'image', '--add', 'image-2', '--remove', 'image', '--workspace', 'fleet'];
    await fails('TRUST_LINE_KEYS_INVALID', 'trust', ...image);
    await lead(...image.slice(0, -2), '--require', 'ESP384', '--out', 'image.json');
    await merge(await sign('erin', 'image.json', 'release'));
    const found = (await follow()).requireTarget(KEYS_PATH);
    const listed = await readFile(place.path('fleet', 'trust', 'keys', `${LINE}.cbor`));
    assert.equal(found.sizeBytes, listed.length);

    await lead('export', 'root', 'targets', LINE, '--threshold', 'root=3', '--out', 'three.json');
    const files = await Promise.all(['bob', 'carol', 'dave'].map((who) => sign(who, 'three.json')));
    const erin = await sign('erin', 'three.json', 'release');
    await fails('TRUST_SIGNATURES_TOO_FEW', 'trust', 'merge', ...files.slice(1), erin, '--workspace', 'fleet');
    await merge(...files, erin);
    assert.equal((await follow()).root.roles.root.threshold, 3);

    const shown = (await place.pawl('trust', 'show', '--workspace', 'fleet')).out.join('\n');
    assert.match(shown, /root +4 +20\d\d-\d\d-\d\d +3 of 3/);
    assert.match(shown, /timestamp +- +- +1 of 1/);

    // tuf-js, from the first root on.
    await mkdir(place.path('tuf-js', 'targets'), { recursive: true });
    await writeFile(place.path('tuf-js', 'root.json'), await readFile(place.path('fleet', 'trust', '1.root.json')));
    const updater = new Updater({
      metadataDir: place.path('tuf-js'),
      metadataBaseUrl: trustUrl,
      targetDir: place.path('tuf-js', 'targets'),
      targetBaseUrl: trustUrl.replace(/\/$/, ''),
      config: { fetchRetry: 0 },
    });
    await updater.refresh();
    const info = await updater.getTargetInfo(KEYS_PATH);
    assert.ok(info);
    assert.deepEqual(await readFile(await updater.downloadTarget(info)), listed);

    // The server still has the keys that the root names, so this root changes nothing but its version.
    const online = await lead('rotate', 'online', '--out', 'online.json');
    assert.deepEqual((online['files'] as { changes: string[] }[])[0]?.changes, []);

    // Two release keys must list a release: one alone does not, both together do, and publishing needs no key then.
    const two = ['rotate', 'release', '--add', 'frank/release.pem', '--threshold', '2', '--out', 'two.json'];
    await lead(...two);
    const holders = await Promise.all(['bob', 'carol', 'dave'].map((who) => sign(who, 'two.json')));
    const releases = await Promise.all(['erin', 'frank'].map((who) => sign(who, 'two.json', 'release')));
    await merge(...holders, ...releases);
    const seal = ['seal', 'kettle.bin', '--version', '2.0.0', '--sequence', '2', '--counter', '1', '--key', 'image-2'];
    const { dir } = await ok(...seal, '--workspace', 'fleet');
    await lead('list', String(dir), '--out', 'list.json');
    const listing = (await place.pawl('trust', 'show', 'list.json', '--workspace', 'fleet')).out.join('\n');
    assert.match(listing, new RegExp(`${LINE}/2\\.0\\.0/envelope\\.suit: sha256 [0-9a-f]{64}`));
    const half = await sign('erin', 'list.json', 'release');
    await fails('TRUST_SIGNATURES_TOO_FEW', 'trust', 'merge', half, '--workspace', 'fleet');
    await merge(half, await sign('frank', 'list.json', 'release'));
    assert.equal((await ok('publish', String(dir), '--workspace', 'fleet'))['state'], 'published');
    await fails('CLI_FILE_EXISTS', 'trust', 'list', String(dir), '--workspace', 'fleet');

    await lead('export', '--revoke', LINE, '--out', 'revoke.json');
    await merge(await sign('erin', 'revoke.json', 'release'), await sign('frank', 'revoke.json', 'release'));
    await assert.rejects(follow(), { code: 'TRUST_ROLE_UNKNOWN' });
  });

  test('writes one file for every role that a change touches, without a server', async () => {
    await ok('init', 'other', ...IDENTITY);
    const online = ['--snapshot', 'alice/root.pem', '--timestamp', 'bob/root.pem'];
    const words = ['trust', 'begin', '--threshold', '1', ...online, '--workspace', 'other', '--out', 'alone.json'];
    const begun = await ok(...words);
    assert.deepEqual(rolesOf(begun), [LINE, 'root', 'targets']);
    const at = ['--workspace', 'other'];
    const root = String((await ok('trust', 'sign', 'alone.json', '--key', 'root', ...at))['path']);
    // The file can go round, too: the second signs what the first gave.
    const both = String((await ok('trust', 'sign', root, '--key', 'release', ...at))['path']);
    await ok('trust', 'merge', both, ...at);
    const change = async (file: string, ...more: string[]): Promise<string[]> =>
      rolesOf(await ok('trust', 'rotate', ...more, ...at, '--out', file));
    assert.deepEqual(await change('s.json', 'snapshot', '--add', 'carol/root.pem', '--threshold', '2'), ['root']);
    assert.deepEqual(await change('l.json', LINE, '--add', 'erin/release.pem'), [LINE, 'targets']);
    assert.deepEqual(await change('r.json', 'release', '--add', 'erin/release.pem'), [LINE, 'root', 'targets']);
    assert.deepEqual(await change('i.json', 'image', '--add', 'alice/root.pem'), ['targets']);
    await fails('CLI_TOKEN_MISSING', 'trust', 'push', ...at);
  });

  const rolesOf = ({ files }: Record<string, unknown>): string[] =>
    (files as { role: string }[]).map(({ role }) => role).toSorted();

  test('says what it does not understand', async () => {
    const at = ['--workspace', 'fleet'];
    await fails('CLI_USAGE', 'trust', 'holder', 'x', '--role', 'cook');
    await fails('CLI_USAGE', 'trust', 'export', ...at, '--out', 'x.json');
    await fails('CLI_USAGE', 'trust', 'export', '--threshold', 'cook=1', ...at, '--out', 'x.json');
    await fails('CLI_LINE_UNKNOWN', 'trust', 'rotate', 'cook', ...at, '--out', 'x.json');
    await fails('CLI_KEY_MISSING', 'trust', 'rotate', 'root', '--add', 'nobody', ...at, '--out', 'x.json');
    await fails('CLI_USAGE', 'trust', 'sign', 'first.json', '--key', 'root', '--who', 'a\nb', '--workspace', 'alice');
    await fails(
      'TRUST_KEY_CHANGE_INVALID',
      'trust',
      'rotate',
      'root',
      '--add',
      'bob/root.pem',
      ...at,
      '--out',
      'x.json',
    );
    await fails('TRUST_METADATA_MALFORMED', 'trust', 'show', 'kettle.bin', ...at);
  });
});
