/** Objects leave the store when nobody needs them, and never before: rules, races, crashes. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { decommissionDevice } from '../src/acts/device.ts';
import { carryOut, decideEnd } from '../src/acts/retention.ts';
import { NOBODY } from '../src/domain/actor.ts';
import { RETENTION } from '../src/domain/retention.ts';
import { DAY_S, ObjectLab, signedImage, YEAR_S } from './object-lab.ts';

const IMAGE = signedImage('one');
const OTHER = signedImage('two');

let lab: ObjectLab;
beforeEach(async () => {
  lab = await ObjectLab.open();
});
afterEach(() => lab.close());

/** Long enough for a mark and its grace period. */
async function collectTwice(): Promise<string[]> {
  return [...(await lab.collect(2 * DAY_S)), ...(await lab.collect(8 * DAY_S))];
}

test('an object of no release goes after its grace period, not before', async () => {
  await lab.write(IMAGE);
  assert.deepEqual(await lab.collect(DAY_S / 2), []);
  assert.deepEqual(await lab.collect(2 * DAY_S), []);
  assert.deepEqual(await lab.collect(6 * DAY_S), []);
  assert.ok(await lab.has(IMAGE));
  assert.deepEqual(await lab.collect(2 * DAY_S), [lab.sha256(IMAGE)]);
  assert.equal(await lab.has(IMAGE), false);
});

test('a draft that is given up says that its object is not uploaded, and takes it again', async () => {
  const id = await lab.draft(IMAGE);
  await lab.upload(id, IMAGE);
  assert.deepEqual(await lab.collect(29 * DAY_S), []);
  assert.deepEqual(await collectTwice(), [lab.sha256(IMAGE)]);
  assert.equal(await lab.isUploaded(id), false);
  await assert.rejects(lab.publish(id), { code: 'RELEASE_INCOMPLETE' });
  await lab.upload(id, IMAGE);
  await lab.publish(id);
  assert.deepEqual(await collectTwice(), []);
  assert.ok(await lab.has(IMAGE));
});

test('what one draft gave up stays for the release of another that has the same bytes', async () => {
  const id = await lab.draft(IMAGE);
  await lab.upload(id, IMAGE);
  await lab.published(IMAGE);
  assert.deepEqual(await lab.collect(5 * YEAR_S), []);
  assert.deepEqual(await collectTwice(), []);
  assert.ok(await lab.isUploaded(id));
});

test('a published release is kept for ten years; then it is offered to nobody until it is uploaded again', async () => {
  const id = await lab.published(IMAGE);
  await lab.rollouts.addDevice('d-0');
  assert.deepEqual([...(await lab.collect(3640 * DAY_S)), ...(await collectTwice())], []);
  assert.deepEqual([...(await lab.collect(20 * DAY_S)), ...(await collectTwice())], [lab.sha256(IMAGE)]);
  await assert.rejects(lab.rollouts.create({ releaseId: id }), { code: 'RELEASE_EXPIRED' });
  await assert.rejects(lab.upload(id, OTHER), { code: 'ARTIFACT_MISMATCH' });
  await lab.upload(id, IMAGE);
  await assert.rejects(lab.upload(id, IMAGE), { code: 'RELEASE_IMMUTABLE' });
  await lab.rollouts.create({ releaseId: id });
  assert.deepEqual([...(await lab.collect(31 * DAY_S)), ...(await collectTwice())], []);
});

test('what a device runs stays, however old; it goes when the device is gone', async () => {
  const id = await lab.published(IMAGE);
  await lab.rollouts.addDevice('d-0');
  await lab.collect(9 * YEAR_S);
  const rollout = await lab.rollouts.start({ releaseId: id });
  await lab.rollouts.tick(1);
  assert.ok((await lab.rollouts.activeOf('d-0')) !== undefined);
  await lab.rollouts.say('d-0', 'ddi-success');
  await lab.rollouts.tick(1);
  assert.equal((await lab.rollouts.show(rollout.id)).state, 'finished');
  assert.deepEqual([...(await lab.collect(20 * YEAR_S)), ...(await collectTwice())], []);
  assert.ok(await lab.has(IMAGE));
  await decommissionDevice(lab.ports, { ...NOBODY, tenantId: lab.rollouts.tenantId }, 'd-0');
  assert.deepEqual(await collectTwice(), [lab.sha256(IMAGE)]);
});

test('what a rollout that is not over may still offer stays, and ten years from the last assignment are counted anew', async () => {
  const id = await lab.published(IMAGE);
  await lab.rollouts.addDevice('d-0');
  const rollout = await lab.rollouts.create({ releaseId: id });
  assert.deepEqual([...(await lab.collect(20 * YEAR_S)), ...(await collectTwice())], []);
  await lab.rollouts.change(rollout.id, 'start');
  await lab.rollouts.change(rollout.id, 'stop');
  await lab.rollouts.say('d-0', 'ddi-cancelled');
  await lab.rollouts.tick(1);
  assert.equal((await lab.rollouts.show(rollout.id)).state, 'stopped');
  assert.deepEqual([...(await lab.collect(9 * YEAR_S)), ...(await collectTwice())], []);
  assert.deepEqual([...(await lab.collect(2 * YEAR_S)), ...(await collectTwice())], [lab.sha256(IMAGE)]);
});

test('an upload, and a publication, between mark and end keep the object', async () => {
  const id = await lab.draft(IMAGE);
  await lab.upload(id, IMAGE);
  await lab.write(OTHER);
  assert.deepEqual(await lab.collect(31 * DAY_S), []);
  await lab.publish(id);
  const late = await lab.draft(OTHER);
  await lab.upload(late, OTHER);
  assert.deepEqual(await lab.collect(8 * DAY_S), []);
  assert.ok((await lab.has(IMAGE)) && (await lab.has(OTHER)));
});

test('nothing is published or uploaded while the object is being deleted; afterwards it is', async () => {
  const id = await lab.draft(IMAGE);
  await lab.upload(id, IMAGE);
  await lab.collect(31 * DAY_S);
  await lab.rollouts.tick(8 * DAY_S);
  const since = await decideEnd(lab.ports, lab.sha256(IMAGE), RETENTION);
  assert.ok(since !== undefined);
  await assert.rejects(lab.upload(id, IMAGE), { code: 'OBJECT_LEAVING' });
  await assert.rejects(lab.publish(id), { code: 'RELEASE_INCOMPLETE' });
  assert.ok(await carryOut(lab.ports, lab.sha256(IMAGE), since));
  await lab.upload(id, IMAGE);
  await lab.publish(id);
});

test('a draft whose object was lost is not published', async () => {
  const id = await lab.draft(IMAGE);
  await lab.upload(id, IMAGE);
  await lab.ports.blobs.delete(lab.sha256(IMAGE));
  await assert.rejects(lab.publish(id), { code: 'BLOB_MISSING' });
});

for (const when of ['before', 'after'] as const) {
  test(`a crash ${when} the object is deleted is made good an hour later, by whoever comes`, async () => {
    const id = await lab.draft(IMAGE);
    await lab.upload(id, IMAGE);
    await lab.collect(31 * DAY_S);
    await assert.rejects(lab.collect(8 * DAY_S, lab.crashing(when)), /crash/);
    await assert.rejects(lab.upload(id, IMAGE), { code: 'OBJECT_LEAVING' });
    assert.deepEqual(await lab.collect(60), []);
    assert.deepEqual(await lab.collect(3600), [lab.sha256(IMAGE)]);
    assert.equal(await lab.has(IMAGE), false);
    await lab.upload(id, IMAGE);
    await lab.publish(id);
  });
}

test('a process that slept after it decided deletes nothing any more', async () => {
  await lab.write(IMAGE);
  await lab.collect(2 * DAY_S);
  await lab.rollouts.tick(8 * DAY_S);
  const since = await decideEnd(lab.ports, lab.sha256(IMAGE), RETENTION);
  assert.ok(since !== undefined);
  assert.deepEqual(await lab.collect(3601), [lab.sha256(IMAGE)]);
  await lab.published(IMAGE);
  assert.equal(await carryOut(lab.ports, lab.sha256(IMAGE), since), false);
  assert.ok(await lab.has(IMAGE));
});

test('two collectors at once: each object is deleted by one of them', async () => {
  await lab.write(IMAGE);
  await lab.write(OTHER);
  await lab.collect(2 * DAY_S);
  await lab.rollouts.tick(8 * DAY_S);
  const gone = (await Promise.all([lab.collect(), lab.collect()])).flat();
  assert.deepEqual(gone.sort(), [lab.sha256(IMAGE), lab.sha256(OTHER)].sort());
});
