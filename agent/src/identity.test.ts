import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { AgreementKey } from '@pawl/core/crypto';
import { nodeDisk } from './disk.ts';
import { loadDeviceKey, loadLineKey, loadOrMakeDeviceKey, saveLineKey } from './identity.ts';

const dir = mkdtempSync(join(realpathSync(tmpdir()), 'pawl-identity-'));
after(() => rmSync(dir, { recursive: true }));
const path = join(dir, 'key.json');

describe('the key of a device', () => {
  test('is made once, and its owner alone can read it', async () => {
    const made = await loadOrMakeDeviceKey(nodeDisk, join(dir, 'device.json'));
    const loaded = await loadOrMakeDeviceKey(nodeDisk, join(dir, 'device.json'));
    assert.ok(loaded.publicKey.isEqual(made.publicKey));
    assert.equal(statSync(join(dir, 'device.json')).mode & 0o777, 0o600);
  });

  const contents: readonly (readonly [name: string, content: string])[] = [
    ['is not JSON', '{"pawlAgentKey":1,"use":"device","pkcs8":"c2VjcmV0'],
    ['is null', 'null'],
    ['has another version', '{"pawlAgentKey":2,"use":"device","pkcs8":"c2VjcmV0"}'],
    ['lacks the key', '{"pawlAgentKey":1,"use":"device"}'],
    ['is not base64', '{"pawlAgentKey":1,"use":"device","pkcs8":"c2VjcmV0#"}'],
    ['holds other bytes than a key', '{"pawlAgentKey":1,"use":"device","pkcs8":"c2VjcmV0"}'],
  ];
  for (const [name, content] of contents) {
    test(`is refused when its file ${name}, without quoting it`, async () => {
      writeFileSync(path, content);
      await assert.rejects(loadDeviceKey(nodeDisk, path), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'AGENT_IDENTITY_INVALID');
        assert.doesNotMatch(error.message, /c2Vj|secret/);
        return true;
      });
    });
  }

  test('is not replaced by a new one when its file is damaged', async () => {
    writeFileSync(path, '');
    await assert.rejects(loadOrMakeDeviceKey(nodeDisk, path), { code: 'AGENT_IDENTITY_INVALID' });
    assert.equal(statSync(path).size, 0);
  });

  test('is not taken for the key of the line, nor that for it', async () => {
    await saveLineKey(nodeDisk, path, AgreementKey.generate());
    await assert.rejects(loadDeviceKey(nodeDisk, path), { code: 'AGENT_IDENTITY_INVALID' });
    await assert.rejects(loadLineKey(nodeDisk, join(dir, 'device.json')), { code: 'AGENT_IDENTITY_INVALID' });
    await assert.rejects(loadLineKey(nodeDisk, join(dir, 'none.json')), { code: 'AGENT_IDENTITY_INVALID' });
  });
});
