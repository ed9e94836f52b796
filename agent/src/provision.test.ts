import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { provisionAgent } from '@pawl/agent/main';
import { AgreementKey } from '@pawl/core/crypto';
import { DeviceApi } from '../test/device-api.ts';
import { CLASS_INFO, LINE, ReleaseRepository, VENDOR_DOMAIN } from '../test/release-repository.ts';
import { TestDevice } from '../test/test-device.ts';
import { nodeDisk } from './disk.ts';
import { AgentError } from './errors.ts';

let repository: ReleaseRepository;
let api: DeviceApi;
let device: TestDevice;
const others: TestDevice[] = [];

before(async () => {
  repository = await ReleaseRepository.start();
  api = await DeviceApi.start(repository);
  device = await TestDevice.make(repository, api);
});
after(async () => {
  await api.close();
  for (const made of [device, ...others]) made.remove();
});

function empty(): TestDevice {
  const made = TestDevice.empty();
  others.push(made);
  return made;
}

async function provision(
  target: TestDevice,
  disk = nodeDisk,
  change: { readonly lineKey?: AgreementKey; readonly profile?: 'development' } = {},
): Promise<void> {
  const path = join(target.dir, 'factory-image');
  writeFileSync(path, 'image');
  await provisionAgent(
    {
      stateDir: target.stateDir,
      config: {
        server: api.url,
        line: LINE,
        vendorDomain: VENDOR_DOMAIN,
        classInfo: CLASS_INFO,
        boot: ['true'],
        ...(change.profile === undefined ? {} : { profile: change.profile }),
      },
      trustedRoot: repository.root,
      lineKey: change.lineKey ?? repository.lineKey,
      image: { path, version: '1.0.0', sequenceNumber: 1n, securityCounter: 1n },
    },
    { ...target.ports(), disk },
  );
}

describe('provisioning', () => {
  test('does not touch a folder that is provisioned already', async () => {
    const journal = readFileSync(join(device.stateDir, 'journal'));
    await assert.rejects(provision(device), { code: 'AGENT_STATE_EXISTS' });
    assert.deepEqual(readFileSync(join(device.stateDir, 'journal')), journal);
  });

  test('refuses a published test key, unless the configuration says development', async () => {
    const one = new Uint8Array(32);
    one[31] = 1;
    const lineKey = AgreementKey.fromRaw(one);
    await assert.rejects(provision(empty(), nodeDisk, { lineKey }), { code: 'KEYS_TEST_KEY_BARRED' });
    await provision(empty(), nodeDisk, { lineKey, profile: 'development' });
  });

  test('needs a folder: a file in its place, or in the place of one inside, is refused', async () => {
    const target = empty();
    writeFileSync(target.stateDir, 'a file');
    await assert.rejects(provision(target), { code: 'AGENT_STATE_READ_ONLY' });
    const other = empty();
    mkdirSync(other.stateDir);
    writeFileSync(join(other.stateDir, 'identity'), 'a file');
    await assert.rejects(provision(other), { code: 'AGENT_STATE_READ_ONLY' });
  });

  test('that was cut is not a provisioned folder, and can be done again', async () => {
    const target = empty();
    const rename = async (from: string, to: string): Promise<void> => {
      if (to.endsWith('journal')) throw new AgentError('AGENT_STATE_READ_ONLY', { path: to });
      await nodeDisk.rename(from, to);
    };
    await assert.rejects(provision(target, { ...nodeDisk, rename }), { code: 'AGENT_STATE_READ_ONLY' });
    await assert.rejects(target.status(), { code: 'AGENT_STATE_MISSING' });
    await provision(target);
    assert.equal((await target.status()).version, '1.0.0');
  });

  test('alone does not let the agent run: the device is not enrolled', async () => {
    const target = empty();
    await provision(target);
    await assert.rejects(target.run(), { code: 'AGENT_NOT_ENROLLED' });
  });
});

describe('the agent stops', () => {
  test('when its disk became read-only, and leaves the offer open', async () => {
    const target = device.copy();
    others.push(target);
    await repository.release({
      version: '1.1.0',
      sequenceNumber: 2n,
      securityCounter: 2n,
      image: new Uint8Array(1000),
    });
    api.assign({ id: '9', version: '1.1.0' });
    const open = async (path: string) => {
      if (path.includes('slots')) throw new AgentError('AGENT_STATE_READ_ONLY', { path });
      return nodeDisk.open(path);
    };
    await assert.rejects(target.run(1, { disk: { ...nodeDisk, open } }), { code: 'AGENT_STATE_READ_ONLY' });
    assert.deepEqual(api.reports, []);
    await target.run();
    assert.equal((await target.status()).version, '1.1.0');
  });

  test('when its journal is damaged', async () => {
    const target = device.copy();
    others.push(target);
    const path = join(target.stateDir, 'journal');
    writeFileSync(path, readFileSync(path).fill(1, 20, 30));
    await assert.rejects(target.run(), { code: 'AGENT_JOURNAL_CORRUPT' });
  });
});
