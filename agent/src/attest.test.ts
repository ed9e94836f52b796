/** What the agent attests when it is asked: the bytes that boot, read anew each time, for the nonce of the server alone. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { sha256 } from '@pawl/core/crypto';
import { DeviceApi } from '../test/device-api.ts';
import { ReleaseRepository } from '../test/release-repository.ts';
import { OLD_IMAGE, TestDevice } from '../test/test-device.ts';

const NEW_IMAGE = new Uint8Array(randomBytes(700_001));
const NONCE = randomBytes(56);

let repository: ReleaseRepository;
let api: DeviceApi;
let template: TestDevice;
let device: TestDevice;

before(async () => {
  repository = await ReleaseRepository.start();
  await repository.release({ version: '1.1.0', sequenceNumber: 2n, securityCounter: 2n, image: NEW_IMAGE });
  api = await DeviceApi.start(repository);
  template = await TestDevice.make(repository, api);
});
beforeEach(() => {
  api.reset();
  api.nonce = NONCE.toString('base64url');
  device = template.copy();
});
afterEach(() => device.remove());
after(async () => {
  await api.close();
  template.remove();
});

const notes = (): string[] => device.events.flatMap((event) => (event.event === 'note' ? [event.code] : []));
const image = (): string => join(device.stateDir, 'current', 'image');

test('the agent measures what boots and signs it for the nonce', async () => {
  await device.run();
  const factory = {
    nonce: new Uint8Array(NONCE),
    version: '1.0.0',
    imageDigest: sha256(OLD_IMAGE),
    sequenceNumber: 1n,
    securityFloor: 1n,
  };
  assert.deepEqual(api.evidence, [factory]);
  api.assign({ id: '7', version: '1.1.0' });
  await device.run(2);
  // Asked and offered in one round, it says what runs before the offer; then what it installed.
  const installed = { version: '1.1.0', imageDigest: sha256(NEW_IMAGE), sequenceNumber: 2n, securityFloor: 2n };
  assert.deepEqual(api.evidence, [factory, factory, { ...factory, ...installed }]);
  const attested = device.events.filter(({ event }) => event === 'attested');
  assert.deepEqual(attested.at(-1), { event: 'attested', slot: 'b', verdict: 'affirming', reasons: [] });
});

test('bytes that were changed under the agent are measured as they are, not as they were', async () => {
  const bytes = readFileSync(image());
  bytes[50_000] = bytes[50_000]! ^ 1;
  writeFileSync(image(), bytes);
  await device.run();
  const digests = api.evidence.map(({ imageDigest }) => imageDigest);
  assert.deepEqual(digests, [sha256(bytes)]);
  assert.notDeepEqual(digests[0], sha256(OLD_IMAGE));
  assert.equal((await device.status()).version, '1.0.0');
});

test('an agent that is not asked signs nothing', async () => {
  api.nonce = undefined;
  const earlier = api.requests.length;
  await device.run(3);
  const asked = api.requests.slice(earlier).filter((path) => path.endsWith('/attest'));
  assert.deepEqual([api.evidence, asked], [[], []]);
});

test('nonces that are too short, too long or no nonces are not signed, and nothing else is held up', async () => {
  const TABLE: readonly (readonly [string, string])[] = [
    ['', 'AGENT_ANSWER_MALFORMED'],
    ['AAAAAAAAAA', 'AGENT_ANSWER_MALFORMED'],
    [randomBytes(65).toString('base64url'), 'AGENT_ANSWER_MALFORMED'],
    [randomBytes(4096).toString('base64url'), 'AGENT_ANSWER_MALFORMED'],
    ['not base64url!', 'AGENT_ANSWER_MALFORMED'],
    // 65 bits in eleven digits: the last bits are not those of any bytes.
    ['AAAAAAAAAAB', 'AGENT_NONCE_REFUSED'],
  ];
  for (const [nonce] of TABLE) {
    api.nonce = nonce;
    await device.run();
  }
  assert.deepEqual([notes(), api.evidence], [TABLE.map(([, code]) => code), []]);
  api.assign({ id: '9', version: '1.1.0' });
  await device.run();
  assert.equal(api.reports.at(-1)?.state, 'confirmed');
});

test('a cut at any place leaves nothing behind: the next round attests anew', async () => {
  api.onEvidence = () => 'break';
  await device.run();
  api.onEvidence = () => 503;
  await device.run();
  api.onEvidence = () => 422;
  await device.run();
  const cut = new Error('the power is gone');
  const openToRead = async (): Promise<never> => {
    throw cut;
  };
  const { disk } = device.ports();
  await device.run(1, { disk: Object.create(disk, { openToRead: { value: openToRead } }) as typeof disk });
  assert.deepEqual(notes(), [
    'AGENT_SERVER_UNREACHABLE',
    'AGENT_SERVER_REFUSED',
    'AGENT_SERVER_REFUSED',
    'AGENT_SLOT_UNREADABLE',
  ]);
  api.onEvidence = () => 200;
  api.evidence = [];
  const before = readFileSync(join(device.stateDir, 'journal'));
  await device.run();
  assert.deepEqual(
    api.evidence.map(({ imageDigest }) => imageDigest),
    [sha256(OLD_IMAGE)],
  );
  assert.deepEqual(readFileSync(join(device.stateDir, 'journal')), before, 'nothing of it stands in the journal');
});

test('a slot without an image is not attested', async () => {
  rmSync(image());
  await device.run();
  assert.deepEqual([notes(), api.evidence], [['AGENT_SLOT_UNREADABLE'], []]);
});

test('evidence goes to the configured server only', async () => {
  api.linkOrigin = 'http://elsewhere.example';
  try {
    await device.run();
  } finally {
    api.linkOrigin = undefined;
  }
  assert.deepEqual([notes(), api.evidence], [['AGENT_LINK_FOREIGN'], []]);
});
