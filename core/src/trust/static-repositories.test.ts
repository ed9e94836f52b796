/** The frozen repositories of tuf-conformance: made by other tools, at the time that each was made for. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import test from 'node:test';
import { toHex } from '../bytes/index.ts';
import { refreshTrust } from './refresh.ts';
import { MemoryPersistence } from './simulator.ts';
import { TrustedMetadata, verifyTargetBytes } from './trusted-metadata.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const FOLDER = join(resolve(ROOT, process.env['PAWL_VECTORS'] ?? '../shared/vectors'), 'tuf/tuf-conformance-static');
const names = existsSync(FOLDER) ? readdirSync(FOLDER) : [];

function read(...path: string[]): Uint8Array {
  return new Uint8Array(readFileSync(join(FOLDER, ...path)));
}

function text(...path: string[]): string {
  return readFileSync(join(FOLDER, ...path), 'utf8').trim();
}

test('refreshes and finds the artifact in a frozen repository of another tool', async (t) => {
  if (names.length === 0) {
    t.skip('the static repositories of tuf-conformance are not there (PAWL_VECTORS)');
    return;
  }
  for (const name of names) {
    const path = text(name, 'targetpath');
    const startedAt = new Date(text(name, 'faketime').replace(' ', 'T'));
    const persist = new MemoryPersistence();
    const fetch = async (file: string): Promise<Uint8Array | undefined> =>
      existsSync(join(FOLDER, name, 'metadata', file)) ? read(name, 'metadata', file) : undefined;
    const trusted = read(name, 'initial_root.json');
    const state = await refreshTrust({ trusted, fetch, persist, startedAt, paths: [path] });
    const target = state.findTarget(path);
    assert.ok(target, name);
    const file = `${toHex(target.sha256)}.${path.split('/').at(-1)}`;
    const bytes = read(name, 'targets', dirname(path), file);
    verifyTargetBytes(target, bytes);
    const changed = bytes.slice();
    changed[0]! ^= 1;
    assert.throws(() => verifyTargetBytes(target, changed), { code: 'TRUST_DIGEST_MISMATCH' });
    assert.throws(() => verifyTargetBytes(target, bytes.subarray(1)), { code: 'TRUST_LENGTH_MISMATCH' });
    const longer = new Uint8Array(bytes.length + 1);
    assert.throws(() => verifyTargetBytes(target, longer), { code: 'TRUST_LENGTH_EXCEEDED' });
    // Twenty years on, nothing of it is fresh any more.
    const late = refreshTrust({ trusted, fetch, persist, startedAt: new Date('2060-01-01T00:00:00Z') });
    await assert.rejects(late, {
      code: 'TRUST_EXPIRED',
      details: {
        role: 'root',
        version: state.root.version,
        expiresAt: state.root.expiresAt.toISOString().replace('.000', ''),
      },
    });
    assert.equal(TrustedMetadata.fromRoot(trusted, startedAt).root.type, 'root');
  }
});
