import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFileKey, loadKeyFile, openKeyFile, saveKeyFile } from '@pawl/core/keys';

test('make a key, seal it into a file, and open it again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-example-'));
  try {
    const passphrase = 'correct horse battery staple';
    const { file } = await createFileKey({
      role: 'image',
      algorithm: 'Ed25519',
      purpose: 'signs the kettle firmware',
      createdAt: new Date(),
      passphrase,
    });
    await saveKeyFile(join(folder, 'image.key'), file);
    const again = await loadKeyFile(join(folder, 'image.key'));
    assert.equal((await openKeyFile(again, passphrase)).publicKey.algorithm, 'Ed25519');
    await assert.rejects(openKeyFile(again, 'wrong passphrase'), { code: 'KEYS_PASSPHRASE_WRONG' });
  } finally {
    await rm(folder, { recursive: true });
  }
});
