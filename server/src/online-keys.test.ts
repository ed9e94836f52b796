import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadOnlineKeys } from './online-keys.ts';

test('makes its keys once, sealed, readable by the owner only, and opens the same ones again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-keys-'));
  try {
    const made = await loadOnlineKeys(folder, new Date(0));
    const again = await loadOnlineKeys(folder, new Date(1));
    for (const role of ['ledger', 'snapshot', 'timestamp'] as const) {
      assert.equal(again[role].publicKey.toSpkiPem(), made[role].publicKey.toSpkiPem());
    }
    assert.equal(new Set(Object.values(made).map((key) => key.publicKey.toSpkiPem())).size, 3);
    const names = await readdir(join(folder, 'keys'));
    assert.deepEqual(new Set(names), new Set(['secret', 'ledger.json', 'snapshot.json', 'timestamp.json']));
    for (const name of names) assert.equal((await stat(join(folder, 'keys', name))).mode & 0o077, 0, name);
    const secret = await readFile(join(folder, 'keys', 'secret'), 'utf8');
    assert.ok(secret.length >= 43);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
