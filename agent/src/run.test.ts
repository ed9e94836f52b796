import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { AgreementKey, PrivateKey, sha256 } from '@pawl/core/crypto';
import { encodeEnvelope, parseEnvelope } from '@pawl/core/suit';
import { DeviceApi } from '../test/device-api.ts';
import { NOW, ReleaseRepository } from '../test/release-repository.ts';
import { OLD_IMAGE, TestDevice } from '../test/test-device.ts';
import { nodeDisk } from './disk.ts';
import { AgentError } from './errors.ts';
import { takeLock } from './lock.ts';
import { answerConsent } from './main.ts';

const NEW_IMAGE = new Uint8Array(randomBytes(700_001));
const GOOD = { version: '1.1.0', sequenceNumber: 2n, securityCounter: 2n, image: NEW_IMAGE };

let repository: ReleaseRepository;
let api: DeviceApi;
let template: TestDevice;
let device: TestDevice;

before(async () => {
  repository = await ReleaseRepository.start();
  await repository.release(GOOD);
  api = await DeviceApi.start(repository);
  template = await TestDevice.make(repository, api);
});
beforeEach(() => {
  api.reset();
  device = template.copy();
});
afterEach(() => device.remove());
after(async () => {
  await api.close();
  template.remove();
});

function withoutSignatures(envelope: Uint8Array): Uint8Array {
  return encodeEnvelope({ ...parseEnvelope(envelope), blocks: [] });
}

async function assertRunsOld(): Promise<void> {
  const status = await device.status();
  assert.equal(status.version, '1.0.0');
  assert.equal(status.floor, '1');
  assert.equal(status.activeSlot, 'a');
  assert.equal(status.slots.b, 'unusable');
  assert.deepEqual(device.bootImage(), OLD_IMAGE);
}

/** Runs the assignment and says how it ended, as the server heard it. */
async function endOf(version: string, rounds = 1): Promise<string> {
  api.assign({ id: '9', version });
  await device.run(rounds);
  const { state, code, step } = api.reports.at(-1) ?? {};
  return `${state} ${code} ${step}`;
}

describe('an installation', () => {
  test('is confirmed when the new image is healthy: new slot, raised floor, signed reports in order', async () => {
    api.assign({ id: '7', version: '1.1.0' });
    await device.run();
    const status = await device.status();
    assert.equal(status.version, '1.1.0');
    assert.equal(status.activeSlot, 'b');
    assert.equal(status.bootSlot, 'b');
    assert.equal(status.floor, '2');
    assert.deepEqual(status.slots, { a: 'good', b: 'good' });
    assert.equal(status.unsentReports, 0);
    assert.deepEqual(device.bootImage(), NEW_IMAGE);
    assert.deepEqual(api.states, ['downloading', 'verified', 'staged', 'trial', 'confirmed']);
    const last = api.reports.at(-1);
    assert.deepEqual([last?.floor, last?.version, last?.slot], ['2', '1.1.0', 'b']);
    const progress = device.events.filter((event) => event.event === 'progress');
    assert.deepEqual(progress.at(-1), { event: 'progress', assignmentId: '7', bytes: 700_001, of: 700_001 });
  });

  test('is reverted when the new image does not start; the floor stays and it is not tried again', async () => {
    device.verdicts = ['failed'];
    assert.equal(await endOf('1.1.0'), 'reverted AGENT_BOOT_FAILED 6');
    await assertRunsOld();
    assert.deepEqual(device.booted, ['b', 'a']);
    api.assign({ id: '9', version: '1.1.0' });
    await device.run();
    assert.equal(api.reports.at(-1)?.state, 'reverted');
    assert.deepEqual(device.booted, ['b', 'a']);
    assert.equal((await device.status()).lastFinished?.state, 'reverted');
  });

  test('may be tried again under a new assignment', async () => {
    device.verdicts = ['timed-out', 'healthy'];
    assert.equal(await endOf('1.1.0'), 'reverted AGENT_BOOT_TIMED_OUT 6');
    api.assign({ id: '10', version: '1.1.0' });
    await device.run();
    assert.equal((await device.status()).version, '1.1.0');
  });

  test('ends in the former image when the device restarts in every trial', async () => {
    api.assign({ id: '9', version: '1.1.0' });
    const dying = new Error('the image took the device down');
    const boot = async () => Promise.reject(dying);
    for (let attempt = 0; attempt < 3; attempt += 1) await assert.rejects(device.run(1, { boot }), dying);
    await device.run();
    assert.deepEqual(api.reports.at(-1)?.code, 'AGENT_ATTEMPTS_EXHAUSTED');
    assert.deepEqual(api.states.filter((state) => state === 'trial').length, 3);
    await assertRunsOld();
  });

  test('is confirmed, or reverted, while the server is away; reports follow', async () => {
    api.assign({ id: '9', version: '1.1.0' });
    const boot = async () => {
      api.isDown = true;
      return 'healthy' as const;
    };
    await device.run(1, { boot });
    const status = await device.status();
    assert.equal(status.version, '1.1.0');
    assert.equal(status.unsentReports, 2);
    assert.ok(device.events.some((event) => event.event === 'unreachable'));
    api.isDown = false;
    await device.run();
    assert.deepEqual(api.states.slice(-2), ['trial', 'confirmed']);
    assert.equal((await device.status()).unsentReports, 0);
  });

  test('takes 409 for a report that came already', async () => {
    api.assign({ id: '9', version: '1.1.0' });
    await device.run();
    const { reports } = api;
    api.reset();
    api.reports = [{ ...reports.at(-1)!, counter: 1000 }];
    api.assign({ id: '11', version: '1.1.0' });
    await device.run();
    assert.ok(api.replayed > 0);
    assert.equal((await device.status()).unsentReports, 0);
  });

  test('goes on by Range when connections break', async () => {
    api.ranges.length = 0;
    api.breakAfter = [200_000, 0, 300_000];
    assert.match(await endOf('1.1.0'), /^confirmed/);
    assert.equal(api.ranges.length, 4);
    assert.match(api.ranges[1] ?? '', /^bytes=\d+-$/);
    assert.deepEqual(device.bootImage(), NEW_IMAGE);
  });

  test('goes on after a restart from what the slot holds, without loading it again', async () => {
    api.ranges.length = 0;
    api.breakAfter = [400_000, 0, 0, 0, 0, 0];
    api.assign({ id: '9', version: '1.1.0' });
    await device.run();
    assert.equal((await device.status()).pending?.phase, 'downloading');
    await assertRunsOld();
    const heldBytes = readFileSync(join(device.stateDir, 'slots/b/image')).length;
    assert.ok(heldBytes >= 300_000 && heldBytes <= 400_000);
    await device.run();
    assert.equal(api.ranges.at(-1), `bytes=${heldBytes}-`);
    assert.equal((await device.status()).version, '1.1.0');
    assert.deepEqual(device.bootImage(), NEW_IMAGE);
  });

  test('starts over when the slot does not hold what was written', async () => {
    api.breakAfter = [400_000, 0, 0, 0, 0, 0];
    api.assign({ id: '9', version: '1.1.0' });
    await device.run();
    const path = join(device.stateDir, 'slots/b/image');
    writeFileSync(path, readFileSync(path).fill(0, 1000, 2000));
    await device.run();
    assert.equal((await device.status()).version, '1.1.0');
    assert.deepEqual(device.bootImage(), NEW_IMAGE);
  });

  test('is refused when the slot does not pass the validate section of its manifest', async () => {
    // The disk gives other bytes from the second reading on: the first is the image-match of the install section.
    let readings = 0;
    const disk = {
      ...nodeDisk,
      openToRead: async (path: string) => {
        const file = await nodeDisk.openToRead(path);
        readings += 1;
        if (readings !== 2) return file;
        await file.close();
        return nodeDisk.openToRead(join(device.stateDir, 'slots/a/image'));
      },
    };
    api.assign({ id: '9', version: '1.1.0' });
    await device.run(1, { disk });
    const { state, code, step } = api.reports.at(-1) ?? {};
    assert.equal(`${state} ${code} ${step}`, 'refused SUIT_CONDITION_FAILED 5');
    assert.deepEqual(device.booted, []);
    await assertRunsOld();
  });

  test('does not start an image that was changed after it was staged', async () => {
    const abort = new AbortController();
    api.assign({ id: '9', version: '1.1.0' });
    const path = join(device.stateDir, 'slots/b/image');
    const emit: Parameters<TestDevice['ports']>[0] = {
      emit: (event) => {
        if (event.event === 'state' && event.state === 'staged') writeFileSync(path, 'another image');
      },
      signal: abort.signal,
    };
    await device.run(1, emit);
    assert.equal(api.reports.at(-1)?.code, 'AGENT_IMAGE_CHANGED');
    assert.deepEqual(device.booted, []);
    await assertRunsOld();
  });

  test('waits while there is too little power, or the update window is closed', async () => {
    api.assign({ id: '9', version: '1.1.0' });
    await device.run(1, { isPowerSufficient: async () => false });
    assert.deepEqual(api.reports, []);
    await device.run();
    assert.equal((await device.status()).version, '1.1.0');
  });

  test('leaves the slot unusable when the disk is full, and says so', async () => {
    const disk = {
      ...nodeDisk,
      open: async (path: string) => {
        const file = await nodeDisk.open(path);
        if (!path.endsWith('/slots/b/image')) return file;
        return Object.assign(Object.create(file), {
          sizeBytes: () => file.sizeBytes(),
          truncate: (size: number) => file.truncate(size),
          sync: () => file.sync(),
          close: () => file.close(),
          read: (position: number, size: number) => file.read(position, size),
          write: async () => Promise.reject(new AgentError('AGENT_DISK_FULL', { path })),
        }) as typeof file;
      },
    };
    api.assign({ id: '9', version: '1.1.0' });
    await device.run(1, { disk });
    assert.deepEqual([api.reports.at(-1)?.state, api.reports.at(-1)?.code], ['failed', 'AGENT_DISK_FULL']);
    await assertRunsOld();
  });
});

describe('a refusal names its step and its code, and leaves the device as it was:', () => {
  const OTHER_KEY = PrivateKey.generate('ESP256');
  const next = (patch: number) => ({ ...GOOD, version: `2.0.${patch}`, sequenceNumber: 5n });
  const cases = [
    ['not listed', next(1), { isListed: false }, 'TRUST_TARGET_NOT_LISTED 2'],
    ['listed under another version', next(2), { listedVersion: '9.9.9' }, 'AGENT_LISTING_DISAGREES 2'],
    ['signed by an unknown key', next(3), { signers: [OTHER_KEY] }, 'SUIT_KEY_UNKNOWN 3'],
    ['without a signature', next(4), { changeEnvelope: withoutSignatures }, 'SUIT_AUTHENTICATION_MISSING 3'],
    [
      'changed after signing',
      next(5),
      { changeEnvelope: (bytes: Uint8Array) => bytes.with(bytes.length - 20, (bytes.at(-20) ?? 0) ^ 1) },
      'SUIT_DIGEST_MISMATCH 3',
    ],
    ['for another vendor', next(6), { vendorDomain: 'other.example' }, 'AGENT_MODEL_MISMATCH 4'],
    ['for another model', next(7), { classInfo: 'Hub two' }, 'AGENT_MODEL_MISMATCH 4'],
    ['below the floor', next(8), { securityCounter: 0n }, 'AGENT_SECURITY_COUNTER_TOO_LOW 4'],
    ['older than the installed one', next(9), { sequenceNumber: 0n }, 'AGENT_SEQUENCE_TOO_OLD 4'],
    ['encrypted to another line', next(10), { lineKey: AgreementKey.generate() }, 'COSE_RECIPIENT_UNKNOWN 5'],
    [
      'with another plaintext than signed',
      next(11),
      { imageDigest: sha256(Uint8Array.of(1)) },
      'AGENT_PAYLOAD_DIGEST_MISMATCH 5',
    ],
  ] as const;
  for (const [name, release, change, expected] of cases) {
    test(name, async () => {
      await repository.release({ ...release, ...change });
      assert.equal(await endOf(release.version), `refused ${expected}`);
      await assertRunsOld();
      assert.deepEqual(device.booted, []);
      // The same assignment is not tried again.
      const said = api.reports.length;
      api.assign({ id: '9', version: release.version });
      await device.run();
      assert.equal(api.reports.length, said);
    });
  }

  test('bytes that were changed on the way', async () => {
    api.changeArtifact = (name, bytes) => (name.endsWith('.enc') ? bytes.with(12_345, bytes[12_345]! ^ 1) : bytes);
    assert.equal(await endOf('1.1.0'), 'refused AGENT_PAYLOAD_DIGEST_MISMATCH 5');
    assert.equal(readFileSync(join(device.stateDir, 'slots/b/image')).length, 0);
    await assertRunsOld();
    api.changeArtifact = (_, bytes) => bytes;
  });

  test('more bytes than listed', async () => {
    api.changeArtifact = (name, bytes) => (name.endsWith('.enc') ? Buffer.concat([bytes, bytes]) : bytes);
    assert.equal(await endOf('1.1.0'), 'refused AGENT_PAYLOAD_SIZE_MISMATCH 5');
    await assertRunsOld();
    api.changeArtifact = (_, bytes) => bytes;
  });

  test('an envelope that was changed on the way', async () => {
    api.changeArtifact = (name, bytes) => (name.endsWith('.suit') ? bytes.with(9, bytes[9]! ^ 1) : bytes);
    assert.equal(await endOf('1.1.0'), 'refused TRUST_DIGEST_MISMATCH 2');
    api.changeArtifact = (name, bytes) => (name.endsWith('.suit') ? Buffer.concat([bytes, bytes]) : bytes);
    device.remove();
    device = template.copy();
    api.reset();
    assert.equal(await endOf('1.1.0'), 'refused TRUST_LENGTH_EXCEEDED 2');
    api.changeArtifact = (_, bytes) => bytes;
  });

  test('a file that is missing', async () => {
    assert.equal(await endOf('../1.1.0'), 'refused AGENT_OFFER_INCOMPLETE 1');
  });

  test('files that are said to be elsewhere', async () => {
    api.linkOrigin = 'http://127.0.0.2:9';
    assert.equal(await endOf('1.1.0'), 'refused AGENT_LINK_FOREIGN 2');
    api.linkOrigin = undefined;
  });

  test('an image that does not fit', async () => {
    api.assign({ id: '9', version: '1.1.0' });
    await device.run(1, { disk: { ...nodeDisk, freeBytes: async () => 1000 } });
    assert.equal(api.reports.at(-1)?.code, 'AGENT_SPACE_INSUFFICIENT');
    await assertRunsOld();
  });

  test('metadata that was changed on the way', async () => {
    const timestamp = repository.file('timestamp.json');
    repository.trustFiles.set('timestamp.json', timestamp.with(120, timestamp[120]! ^ 1));
    assert.match(await endOf('1.1.0'), /^refused TRUST_\w+ 1$/);
    repository.trustFiles.set('timestamp.json', timestamp);
  });
});

describe('an offer waits, and the same assignment is installed later, when', () => {
  test('the metadata has expired, until newer is to be had', async () => {
    api.assign({ id: '9', version: '1.1.0' });
    const clock = { ...device.ports().clock, now: () => new Date(NOW.getTime() + 9 * 86_400_000) };
    await device.run(3, { clock });
    const waits = device.events.flatMap((event) => (event.event === 'waiting' ? [event] : []));
    assert.deepEqual(
      waits.map(({ code, nextInMs }) => [code, nextInMs]),
      [
        ['TRUST_EXPIRED', 60_500],
        ['TRUST_EXPIRED', 61_000],
        ['TRUST_EXPIRED', 62_000],
      ],
    );
    assert.deepEqual(api.reports, []);
    assert.equal((await device.status()).lastFinished, undefined);
    await assertRunsOld();
    await repository.publish(30);
    await device.run(1, { clock });
    assert.equal((await device.status()).version, '1.1.0');
  });

  test('the trust cannot be had because the server has an error, or breaks off', async () => {
    api.assign({ id: '9', version: '1.1.0' });
    for (const [fault, code] of [
      [503, 'AGENT_SERVER_REFUSED'],
      ['break', 'AGENT_SERVER_UNREACHABLE'],
    ] as const) {
      api.trustFault = fault;
      await device.run(2);
      const heard = device.events.splice(0).flatMap((event) => (event.event === 'unreachable' ? [event] : []));
      assert.deepEqual(
        heard.map((event) => [event.code, event.nextInMs]),
        [
          [code, 500],
          [code, 1000],
        ],
      );
      assert.equal((await device.status()).lastFinished, undefined);
    }
    api.trustFault = undefined;
    assert.deepEqual(api.reports, []);
    await device.run();
    assert.equal((await device.status()).version, '1.1.0');
  });
});

describe('the server', () => {
  test('may ask for consent, which the user gives or denies', async () => {
    const asking = await TestDevice.make(repository, api, { consent: 'ask' });
    api.reset();
    api.offer = { kind: 'consent', assignment: { id: '9', version: '1.1.0' } };
    const answers = api.feedback.length;
    assert.equal(await answerConsent(asking.stateDir, true), undefined);
    await asking.run(2);
    assert.deepEqual(api.states, ['awaiting-consent']);
    assert.equal(api.feedback.length, answers);
    for (const [isGiven, confirmation] of [
      [false, 'denied'],
      [true, 'confirmed'],
    ] as const) {
      assert.equal(await answerConsent(asking.stateDir, isGiven), '9');
      await asking.run();
      assert.deepEqual(api.feedback.at(-1)?.body, { confirmation });
      assert.ok(!existsSync(join(asking.stateDir, 'consent')));
    }
    asking.remove();
  });

  test('gets consent without asking by default', async () => {
    api.offer = { kind: 'consent', assignment: { id: '9', version: '1.1.0' } };
    await device.run();
    assert.deepEqual(api.feedback.at(-1)?.body, { confirmation: 'confirmed' });
  });

  test('may cancel what has not been tried', async () => {
    api.breakAfter = [100_000, 0, 0, 0, 0, 0];
    api.assign({ id: '9', version: '1.1.0' });
    await device.run();
    api.offer = { kind: 'cancel', assignment: { id: '9', version: '1.1.0' } };
    await device.run();
    assert.deepEqual(api.feedback.at(-1)?.body, {
      status: { execution: 'canceled', result: { finished: 'success' } },
    });
    assert.equal((await device.status()).pending, undefined);
    await assertRunsOld();
  });

  test('cannot cancel what is confirmed', async () => {
    api.assign({ id: '9', version: '1.1.0' });
    await device.run();
    api.offer = { kind: 'cancel', assignment: { id: '9', version: '1.1.0' } };
    await device.run();
    assert.deepEqual(api.feedback.at(-1)?.body, {
      status: { execution: 'rejected', result: { finished: 'failure' } },
    });
  });
});

describe('the agent', () => {
  test('works alone on its state folder', async () => {
    const lock = takeLock(join(device.stateDir, 'lock'));
    await assert.rejects(device.run(), { code: 'AGENT_LOCKED' });
    lock.release();
    await device.run();
  });

  test('needs a folder that was provisioned', async () => {
    const empty = TestDevice.empty();
    await assert.rejects(empty.run(), { code: 'AGENT_STATE_MISSING' });
    await assert.rejects(empty.status(), { code: 'AGENT_STATE_MISSING' });
    empty.remove();
  });

  test('stops at once when it is told to, and says so', async () => {
    device.abort.abort();
    await device.run(100);
    assert.deepEqual(
      device.events.map(({ event }) => event),
      ['started', 'stopped'],
    );
  });

  test('puts the link to the confirmed slot right when it starts', async () => {
    const disk = { ...nodeDisk };
    await disk.remove(join(device.stateDir, 'current'));
    await device.run();
    assert.deepEqual(device.bootImage(), OLD_IMAGE);
  });

  test('tries again later when the server is away, and waits longer each time', async () => {
    api.isDown = true;
    await device.run(3);
    api.isDown = false;
    const waits = device.events.flatMap((event) => (event.event === 'unreachable' ? [event.nextInMs] : []));
    assert.deepEqual(waits, [500, 1000, 2000]);
  });
});
