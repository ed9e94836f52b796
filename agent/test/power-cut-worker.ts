/**
 * The power fails at every single change that an installation makes to the disk, in every way that a disk can take it;
 * after each, the device is started with the real code. It must run the former image or the new one, never neither, and
 * get to the end that it would have come to without the cut. A worker: one verdict of the new image, every way of cutting.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { Boot, BootVerdict } from '../src/trial-boot.ts';
import { DeviceApi } from './device-api.ts';
import { CUT_MODES, type CutMode, PowerCut, PowerCutDisk } from './power-cut-disk.ts';
import { ReleaseRepository } from './release-repository.ts';
import { OLD_IMAGE, TestDevice } from './test-device.ts';

const NEW_IMAGE = new Uint8Array(530_000).map((_, index) => (index * 13 + (index >> 9)) % 256);
const NEVER = Number.POSITIVE_INFINITY;

/** A server with one device. */
type Bench = { readonly api: DeviceApi; readonly template: TestDevice; readonly close: () => Promise<void> };

const repository = await ReleaseRepository.start();
await repository.release({ version: '1.1.0', sequenceNumber: 2n, securityCounter: 2n, image: NEW_IMAGE });

async function startBench(): Promise<Bench> {
  const api = await DeviceApi.start(repository);
  const template = await TestDevice.make(repository, api);
  const close = async (): Promise<void> => {
    await api.close();
    template.remove();
  };
  return { api, template, close };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Starts whole images only; the new one says what the test wants. */
function checkingBoot(verdict: BootVerdict): Boot {
  return async ({ slotPath }) => {
    const image = readFileSync(join(slotPath, 'image'));
    const isNew = isSame(image, NEW_IMAGE);
    assert.ok(isNew || isSame(image, OLD_IMAGE), 'an image was started that is neither the former nor the new one');
    return isNew ? verdict : 'healthy';
  };
}

async function install(device: TestDevice, boot: Boot, disk: PowerCutDisk): Promise<void> {
  await device.run(1, { boot, disk });
}

async function countChanges({ api, template }: Bench, verdict: BootVerdict): Promise<number> {
  const device = template.copy();
  api.reset();
  api.assign({ id: '5', version: '1.1.0' });
  const disk = new PowerCutDisk(NEVER, 'before');
  await install(device, checkingBoot(verdict), disk);
  device.remove();
  return disk.changes;
}

async function assertOldOrNew(device: TestDevice, where: string): Promise<void> {
  const status = await device.status();
  const image = device.bootImage();
  const isNew = status.bootSlot === 'b';
  assert.ok(isSame(image, isNew ? NEW_IMAGE : OLD_IMAGE), `${where}: what boots is whole`);
  assert.equal(status.version, isNew ? '1.1.0' : '1.0.0', where);
  // The floor is the new one exactly when the new image is confirmed.
  assert.equal(status.floor, status.activeSlot === 'b' ? '2' : '1', where);
}

type Cut = { readonly at: number; readonly mode: CutMode; readonly verdict: BootVerdict };

async function cutAndRestart({ api, template }: Bench, { at: cutAt, mode, verdict }: Cut): Promise<void> {
  const where = `${mode} change ${cutAt}`;
  const device = template.copy();
  api.reset();
  api.assign({ id: '5', version: '1.1.0' });
  const boot = checkingBoot(verdict);
  await assert.rejects(install(device, boot, new PowerCutDisk(cutAt, mode)), PowerCut, where);
  await assertOldOrNew(device, where);
  // Without fsync, which takes most of the time and changes nothing while the machine itself keeps its power.
  await device.run(2, { boot, disk: new PowerCutDisk(NEVER, 'before') });
  await assertOldOrNew(device, where);
  const status = await device.status();
  const isHealthy = verdict === 'healthy';
  assert.equal(status.version, isHealthy ? '1.1.0' : '1.0.0', where);
  assert.equal(status.bootSlot, status.activeSlot, where);
  assert.equal(status.pending, undefined, where);
  assert.equal(status.unsentReports, 0, where);
  assert.equal(api.states.at(-1), isHealthy ? 'confirmed' : 'reverted', where);
  device.remove();
}

const verdict = workerData as BootVerdict;
const changes = await Promise.all(
  CUT_MODES.map(async (mode, index) => {
    const bench = await startBench();
    const count = await countChanges(bench, verdict);
    // Each change is cut in one way at least, and with PAWL_EXHAUSTIVE in every way.
    const step = process.env['PAWL_EXHAUSTIVE'] === '1' ? 1 : CUT_MODES.length - 1;
    for (let at = 1 + (index % step); at <= count; at += step) await cutAndRestart(bench, { at, mode, verdict });
    await bench.close();
    return count;
  }),
);
parentPort?.postMessage(changes);
