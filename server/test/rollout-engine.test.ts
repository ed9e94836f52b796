/** The engine: waves, thresholds, soaking, halts, rates, schedules, time-outs, retries, weights, devices that join later. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { settleLedger } from '../src/store/ledger.ts';
import { RolloutLab } from './rollout-lab.ts';

let lab: RolloutLab;

beforeEach(async () => {
  lab = await RolloutLab.open();
});
afterEach(() => lab.close());

const codeIs = (code: string) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code);
  return true;
};
const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;

test('waves go one after the other: enough success, then soaking, then the next', async () => {
  await lab.addDevices('d', 20);
  const waves = [{ percent: 10 }, { count: 5, successPercent: 80, soakS: 60 }, {}];
  const { id, state, waves: shown } = await lab.start({ waves });
  assert.equal(state, 'running');
  assert.deepEqual(
    shown.map((wave) => [wave.size, wave.state]),
    [
      [2, 'running'],
      [5, 'waiting'],
      [null, 'waiting'],
    ],
  );
  const first = await lab.offeredOf(id);
  assert.equal(first.length, 2);
  await lab.say(first[0] ?? '', 'ddi-success');
  assert.equal((await lab.offeredOf(id)).length, 1, 'one of two is not 90 %');
  await lab.say(first[1] ?? '', 'ddi-success');
  const second = await lab.offeredOf(id);
  assert.equal(second.length, 5);
  await lab.sayAll(second.slice(0, 4), 'ddi-success');
  assert.equal((await lab.show(id)).waves[1]?.state, 'soaking');
  await lab.tick(59);
  assert.equal((await lab.show(id)).waves[1]?.state, 'soaking');
  await lab.tick(1);
  assert.equal((await lab.offeredOf(id)).length, 1 + 13, 'the rest, and the one of the second wave that is not done');
  await lab.sayAll(await lab.offeredOf(id), 'ddi-success');
  const ended = await lab.show(id);
  assert.deepEqual([ended.state, ended.outcomes, ended.succeeded], ['finished', { succeeded: 20 }, 20]);
  assert.deepEqual(
    ended.waves.map((wave) => [wave.state, wave.outcomes]),
    [
      ['done', { succeeded: 2 }],
      ['done', { succeeded: 5 }],
      ['done', { succeeded: 13 }],
    ],
  );
});

test('too many errors halt the rollout with the numbers; who goes on is not halted by the same numbers again', async () => {
  await lab.addDevices('d', 30);
  const { id } = await lab.start({ waves: [{ count: 20, errorPercent: 20 }, {}] });
  const offered = await lab.offeredOf(id);
  await lab.sayAll(offered.slice(0, 4), 'ddi-failure');
  assert.equal((await lab.show(id)).state, 'running', 'four answers are too few');
  await lab.say(offered[4] ?? '', 'ddi-success');
  const halted = await lab.show(id);
  assert.equal(halted.state, 'halted');
  const { kind, wave, answered, errors, rate, threshold, bound = 0 } = halted.haltedBy ?? {};
  assert.deepEqual([kind, wave, answered, errors, rate, threshold], ['error-rate', 1, 5, 4, 0.8, 0.2]);
  assert.ok(bound > 0.2 && bound < 0.8);
  assert.equal(halted.waves[0]?.state, 'failed');
  await lab.change(id, 'resume');
  await lab.say(offered[5] ?? '', 'ddi-failure');
  assert.equal((await lab.show(id)).state, 'running');
  await lab.sayAll(offered.slice(6, 10), 'ddi-failure');
  assert.equal((await lab.show(id)).state, 'halted', 'five more');
  await lab.change(id, 'stop');
  const { state, outcomes } = await lab.show(id);
  assert.equal(state, 'stopped');
  assert.deepEqual(outcomes, { waiting: 10, active: 10, failed: 9, succeeded: 1 });
  assert.equal(await lab.activeOf(offered[12] ?? '').then((row) => row?.state), 'cancelling');
});

test('a paused or halted rollout makes no offer, whatever place becomes free', async () => {
  await lab.addDevices('d', 30);
  const { id } = await lab.start({ waves: [{ count: 10 }, {}], timeOutS: { answer: 60 } });
  const [first = '', second = ''] = await lab.offeredOf(id);
  await lab.change(id, 'pause');
  await lab.say(first, 'cancel');
  await lab.say(first, 'ddi-cancelled');
  await lab.tick(10);
  assert.deepEqual((await lab.show(id)).outcomes, { waiting: 20, active: 9, cancelled: 1 });
  await lab.change(id, 'resume');
  const offered = await lab.offeredOf(id);
  assert.equal(offered.length, 10, 'the place went to another device');
  await lab.sayAll(offered.slice(2, 8), 'ddi-failure');
  assert.equal((await lab.show(id)).state, 'halted');
  await lab.say(second, 'cancel');
  await lab.say(second, 'ddi-cancelled');
  await lab.tick(10);
  assert.equal((await lab.show(id)).outcomes.waiting, 19);
});

test('errors that come while a wave soaks halt too', async () => {
  await lab.addDevices('d', 30);
  const { id } = await lab.start({ waves: [{ count: 20, successPercent: 50, soakS: DAY_S }, {}] });
  const offered = await lab.offeredOf(id);
  await lab.sayAll(offered.slice(0, 10), 'ddi-success');
  assert.equal((await lab.show(id)).waves[0]?.state, 'soaking');
  await lab.sayAll(offered.slice(10), 'ddi-failure');
  const { state, haltedBy } = await lab.show(id);
  assert.deepEqual([state, haltedBy?.kind], ['halted', 'error-rate']);
});

test('a wave that can no longer succeed halts the rollout; people may start the next one all the same', async () => {
  await lab.addDevices('d', 10);
  const { id } = await lab.start({ waves: [{ count: 3 }, {}] });
  const offered = await lab.offeredOf(id);
  await lab.sayAll(offered.slice(0, 2), 'ddi-success');
  await lab.say(offered[2] ?? '', 'ddi-failure');
  const { state, haltedBy } = await lab.show(id);
  assert.deepEqual([state, haltedBy?.kind, haltedBy?.succeeded, haltedBy?.answered], ['halted', 'success-rate', 2, 3]);
  const resumed = await lab.change(id, 'resume');
  assert.deepEqual([resumed.state, resumed.haltedBy], ['running', null]);
  const next = await lab.change(id, 'next');
  assert.deepEqual(
    next.waves.map((wave) => wave.state),
    ['done', 'running'],
  );
  assert.equal((await lab.offeredOf(id)).length, 7);
  await assert.rejects(lab.change(id, 'next'), codeIs('ROLLOUT_LAST_WAVE'));
});

test('a device that is never heard of does not block: its place goes to the next one', async () => {
  await lab.addDevices('d', 6);
  const { id } = await lab.start({ waves: [{ count: 2 }, {}], timeOutS: { answer: 60, install: DAY_S } });
  const silent = await lab.offeredOf(id);
  await lab.tick(60);
  const replaced = await lab.offeredOf(id);
  assert.equal(replaced.length, 2);
  assert.ok(replaced.every((name) => !silent.includes(name)));
  assert.deepEqual((await lab.show(id)).waves[0]?.outcomes, { silent: 2, active: 2 });
  await lab.sayAll(replaced, 'ddi-success');
  await lab.sayAll(await lab.offeredOf(id), 'ddi-success');
  const { state, outcomes } = await lab.show(id);
  assert.deepEqual([state, outcomes], ['finished', { succeeded: 4, silent: 2 }]);
});

test('a device that begins and does not end is an error, and a pause does not use up the time of an offer', async () => {
  await lab.addDevices('d', 2);
  const { id } = await lab.start({ timeOutS: { answer: 60, install: 120 } });
  await lab.say('d-0', 'ddi-download');
  await lab.change(id, 'pause');
  await lab.tick(100);
  assert.deepEqual((await lab.show(id)).outcomes, { active: 2 });
  await lab.tick(20);
  assert.deepEqual((await lab.show(id)).outcomes, { active: 1, failed: 1 });
  await lab.change(id, 'resume');
  await lab.tick(60);
  const { state, outcomes } = await lab.show(id);
  assert.deepEqual([state, outcomes], ['finished', { failed: 1, silent: 1 }]);
});

test('a failed device is tried again as often as the plan says, then by people; it is an error until it succeeds', async () => {
  await lab.addDevices('d', 1);
  const { id } = await lab.start({ retry: { attempts: 2 } });
  await lab.say('d-0', 'ddi-failure');
  assert.deepEqual((await lab.show(id)).outcomes, { retrying: 1 });
  await lab.say('d-0', 'ddi-failure');
  assert.equal((await lab.show(id)).state, 'finished');
  const again = await lab.change(id, 'retry');
  assert.deepEqual([again.state, again.outcomes], ['running', { retrying: 1 }]);
  await lab.say('d-0', 'ddi-success');
  const { state, outcomes, counts } = await lab.show(id);
  assert.deepEqual([state, outcomes], ['finished', { succeeded: 1 }]);
  assert.deepEqual(counts, { failed: 2, reported: 1 });
  await assert.rejects(lab.change(id, 'retry'), codeIs('ROLLOUT_NOTHING_TO_RETRY'));
});

test('silent devices get another turn by retry', async () => {
  await lab.addDevices('d', 2);
  const { id } = await lab.start({ timeOutS: { answer: 60 } });
  await lab.tick(60);
  assert.equal((await lab.show(id)).state, 'finished');
  await lab.change(id, 'retry');
  assert.equal((await lab.offeredOf(id)).length, 2);
});

test('a start before its time waits for it; a second start does not; the end takes back what was not begun', async () => {
  await lab.addDevices('d', 3);
  const schedule = { startAt: lab.at(HOUR_S), endAt: lab.at(2 * HOUR_S) };
  const { id, state } = await lab.start(schedule);
  assert.equal(state, 'scheduled');
  await lab.tick(HOUR_S - 1);
  assert.deepEqual(await lab.offeredOf(id), []);
  await lab.tick(1);
  assert.equal((await lab.offeredOf(id)).length, 3);
  await lab.say('d-0', 'ddi-success');
  await lab.tick(HOUR_S);
  const ended = await lab.show(id);
  assert.deepEqual([ended.state, ended.counts], ['stopped', { cancelling: 2, reported: 1 }]);
  const now = await lab.start({ startAt: lab.at(HOUR_S), filter: 'name:d-0' });
  assert.equal((await lab.change(now.id, 'start')).state, 'running');
  await assert.rejects(lab.create({ endAt: lab.at(0) }), codeIs('ROLLOUT_SCHEDULE_INVALID'));
  await assert.rejects(lab.create({ startAt: lab.at(20), endAt: lab.at(10) }), codeIs('ROLLOUT_SCHEDULE_INVALID'));
});

test('offers keep the rate, and the ramp rises with the successes', async () => {
  await lab.addDevices('d', 60);
  const { id } = await lab.start({ ratePerMinute: 30, ramp: { basePerMinute: 6, factor: 2, everySucceeded: 6 } });
  const perMinute = [];
  for (let minute = 0; minute < 4; minute += 1) {
    const before = (await lab.show(id)).outcomes.waiting ?? 0;
    for (let second = 0; second < 60; second += 5) await lab.tick(5);
    perMinute.push(before - ((await lab.show(id)).outcomes.waiting ?? 0));
    await lab.sayAll(await lab.offeredOf(id), 'ddi-success');
  }
  assert.ok((perMinute[0] ?? 0) <= 6 && (perMinute[0] ?? 0) >= 4, String(perMinute));
  for (const [index, offers] of perMinute.entries())
    assert.ok(offers <= 30 && (index === 0 || offers > 6), String(perMinute));
});

test('a heavier rollout takes what is not begun and gives it back; a lighter one waits', async () => {
  await lab.addDevices('d', 2);
  const other = await lab.publish('1.0.1');
  const light = await lab.start({ weight: 100 });
  await lab.say('d-0', 'ddi-download');
  const heavy = await lab.start({ weight: 900, releaseId: other });
  assert.deepEqual(heavy.outcomes, { active: 1, blocked: 1 });
  assert.deepEqual((await lab.show(light.id)).outcomes, { active: 1, blocked: 1 });
  await lab.say('d-0', 'ddi-success');
  assert.deepEqual((await lab.show(heavy.id)).outcomes, { active: 2 });
  await lab.sayAll(['d-0', 'd-1'], 'ddi-success');
  assert.equal((await lab.show(heavy.id)).state, 'finished');
  assert.deepEqual((await lab.show(light.id)).outcomes, { active: 1, succeeded: 1 });
  await lab.say('d-1', 'ddi-success');
  assert.equal((await lab.show(light.id)).state, 'finished');
});

test('of the same weight the newer rollout replaces the older one for good, in whatever order they start', async () => {
  await lab.addDevices('d', 1);
  const older = await lab.create();
  const newer = await lab.start();
  assert.deepEqual(newer.outcomes, { active: 1 });
  const { state, outcomes } = await lab.change(older.id, 'start');
  assert.deepEqual([state, outcomes], ['finished', { cancelled: 1 }]);
});

test('a device that matches later gets its turn in the last wave of a dynamic rollout, and only there', async () => {
  await lab.addDevices('d', 4);
  const { id } = await lab.start({ isDynamic: true, filter: 'name:d-*', waves: [{ count: 2 }, {}] });
  await lab.addDevice('d-late');
  await lab.tick();
  const first = await lab.offeredOf(id);
  assert.ok(first.length === 2 && !first.includes('d-late'));
  await lab.sayAll(first, 'ddi-success');
  await lab.tick();
  assert.deepEqual((await lab.offeredOf(id)).length, 3);
  assert.ok((await lab.offeredOf(id)).includes('d-late'));
  await lab.sayAll(await lab.offeredOf(id), 'ddi-success');
  assert.equal((await lab.show(id)).state, 'running', 'open until it is stopped');
  await lab.addDevice('d-later');
  await lab.tick();
  assert.deepEqual(await lab.offeredOf(id), ['d-later']);
  assert.equal((await lab.show(id)).devices, 6);
});

test('a release below the floor that a device has reached meanwhile is not offered to it', async () => {
  await lab.addDevices('d', 2);
  const releaseId = await lab.publish('1.0.3', 3);
  const { id } = await lab.create({ releaseId });
  await lab.ports.database.write(async (trx) => {
    await trx.updateTable('device').set({ floor: '4' }).where('controller_id', '=', 'd-1').execute();
  });
  assert.deepEqual((await lab.change(id, 'start')).outcomes, { active: 1, cancelled: 1 });
});

test('a large batch stands in the ledger as lists that name every assignment', async () => {
  await lab.addDevices('d', 500);
  const { id } = await lab.start();
  await settleLedger(lab.ports.database);
  const rows = await lab.ports.database.read
    .selectFrom('ledger_entry')
    .select('envelope')
    .where('predicate_type', '=', 'urn:pawl:assignments-offered:1')
    .execute();
  const listed = rows.flatMap(({ envelope }) => {
    const { payload } = JSON.parse(Buffer.from(envelope).toString()) as { payload: string };
    const { predicate } = JSON.parse(Buffer.from(payload, 'base64').toString()) as {
      predicate: { assignments: [number, string][] };
    };
    return predicate.assignments;
  });
  const made = await lab.ports.database.read
    .selectFrom('assignment')
    .innerJoin('device', 'device.id', 'assignment.device_id')
    .select(['assignment.id', 'device.controller_id'])
    .where('rollout_id', '=', id)
    .orderBy('assignment.id')
    .execute();
  assert.deepEqual(
    listed,
    made.map((row) => [row.id, row.controller_id]),
  );
  assert.equal(listed.length, 500);
});
