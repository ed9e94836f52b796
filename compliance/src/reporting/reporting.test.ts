import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  addMonth,
  addSubmission,
  assertClosable,
  assertComplete,
  buildDossier,
  clocksOf,
  loadPlatformForm,
  parseInstant,
  parsePlatformForm,
  type ReportingCase,
  remindersOf,
  STAGES,
  type Submission,
  TRACKS,
} from './index.ts';

const at = (text: string): Date => new Date(text);
const AWARE = at('2026-11-20T09:30:00Z');
const open = (more: Partial<ReportingCase> = {}): ReportingCase => ({
  track: 'actively-exploited-vulnerability',
  awareAt: AWARE,
  measureAvailableAt: undefined,
  submissions: [],
  usersInformedAt: undefined,
  isDrill: false,
  ...more,
});
const sent = (stage: Submission['stage'], when: string): Submission => ({
  stage,
  at: at(when),
  by: 'person/1',
  reference: 'SRP-1',
  dossierSha256: 'ab'.repeat(32),
});
const dueOf = (of: ReportingCase): (string | undefined)[] =>
  clocksOf(of, AWARE).map(({ dueAt }) => dueAt?.toISOString());
const statesOf = (of: ReportingCase, now: string): string[] => clocksOf(of, at(now)).map(({ state }) => state);

test('24 and 72 hours run from awareness, whatever was sent in between', () => {
  const early = addSubmission(open(), sent('early-warning', '2026-11-20T12:00:00Z'), at('2026-11-20T12:00:00Z'));
  for (const one of [open(), early]) {
    assert.deepEqual(dueOf(one), ['2026-11-21T09:30:00.000Z', '2026-11-23T09:30:00.000Z', undefined]);
  }
});

test('the final report on a vulnerability is due 14 days after the measure, on an incident a month after the notification', () => {
  const fixed = open({ measureAvailableAt: at('2026-12-20T18:00:00Z') });
  assert.equal(dueOf(fixed)[2], '2027-01-03T18:00:00.000Z');
  let incident = open({ track: 'severe-incident' });
  assert.equal(dueOf(incident)[2], undefined);
  const now = at('2026-12-01T00:00:00Z');
  incident = addSubmission(incident, sent('early-warning', '2026-11-21T08:00:00Z'), now);
  incident = addSubmission(incident, sent('notification', '2026-11-22T07:00:00Z'), now);
  assert.equal(dueOf(incident)[2], '2026-12-22T07:00:00.000Z');
});

test('a month ends on the same day, or on the last one of a shorter month, in leap years too', () => {
  const table = [
    ['2027-01-31T10:00:00Z', '2027-02-28T10:00:00.000Z'],
    ['2028-01-31T10:00:00Z', '2028-02-29T10:00:00.000Z'],
    ['2028-02-29T23:59:59Z', '2028-03-29T23:59:59.000Z'],
    ['2026-12-31T00:00:00Z', '2027-01-31T00:00:00.000Z'],
    ['2026-03-28T22:30:00Z', '2026-04-28T22:30:00.000Z'],
  ] as const;
  for (const [from, to] of table) assert.equal(addMonth(at(from)).toISOString(), to);
  const days = fc.date({ min: at('2020-01-01T00:00:00Z'), max: at('2060-01-01T00:00:00Z'), noInvalidDate: true });
  fc.assert(
    fc.property(days, (from) => {
      const to = addMonth(from);
      const length = (to.getTime() - from.getTime()) / 86_400_000;
      assert.ok(length >= 28 && length <= 31);
      assert.equal(to.getUTCMonth(), (from.getUTCMonth() + 1) % 12);
      assert.equal(to.getTime() % 86_400_000, from.getTime() % 86_400_000);
    }),
  );
});

test('a clock is running until its last moment, overdue after it, and met only by a submission', () => {
  assert.deepEqual(statesOf(open(), '2026-11-21T09:30:00Z'), ['running', 'running', 'not-started']);
  assert.deepEqual(statesOf(open(), '2026-11-21T09:30:00.001Z'), ['overdue', 'running', 'not-started']);
  const late = addSubmission(open(), sent('early-warning', '2026-11-21T10:00:00Z'), at('2026-11-22T00:00:00Z'));
  assert.deepEqual(statesOf(late, '2026-11-24T00:00:00Z'), ['met-late', 'overdue', 'not-started']);
});

test('stages are recorded in their order, each once, neither before awareness nor in the future', () => {
  const now = at('2026-11-22T00:00:00Z');
  const early = sent('early-warning', '2026-11-20T12:00:00Z');
  const wrong: readonly (readonly [ReportingCase, Submission])[] = [
    [open(), sent('notification', '2026-11-20T12:00:00Z')],
    [open(), sent('early-warning', '2026-11-20T09:29:59Z')],
    [open(), sent('early-warning', '2026-11-22T00:00:01Z')],
    [addSubmission(open(), early, now), early],
    [addSubmission(open(), early, now), sent('notification', '2026-11-20T11:00:00Z')],
  ];
  for (const [of, submission] of wrong) {
    assert.throws(() => addSubmission(of, submission, now), { code: 'REPORTING_ORDER' });
  }
});

test('no case closes while anything that was to be sent has no record', () => {
  const now = at('2027-02-01T00:00:00Z');
  let one = open({ measureAvailableAt: at('2026-12-01T00:00:00Z') });
  for (const [index, stage] of STAGES.entries()) {
    assert.throws(() => assertClosable(one), { code: 'REPORTING_CLOCK_OPEN' });
    one = addSubmission(one, sent(stage, `2026-12-0${index + 1}T00:00:00Z`), now);
  }
  assert.throws(() => assertClosable(one), { code: 'REPORTING_CLOCK_OPEN' });
  assertClosable({ ...one, usersInformedAt: now });
});

test('reminders lie between the start and the end of their clock, and stop when it was sent', () => {
  const all = remindersOf(open());
  assert.equal(all.length, 10);
  assert.ok(all.every((one) => one.at >= AWARE && one.at <= at('2026-11-23T09:30:00Z')));
  const early = addSubmission(open(), sent('early-warning', '2026-11-20T12:00:00Z'), at('2026-11-20T12:00:00Z'));
  assert.deepEqual(new Set(remindersOf(early).map(({ stage }) => stage)), new Set(['notification']));
  assert.ok(remindersOf(open({ isDrill: true })).every(({ message }) => message.startsWith('drill: ')));
});

const FORM = loadPlatformForm();

test('a dossier has the fields of its track in the order of the platform', () => {
  for (const track of TRACKS) {
    const { rows } = buildDossier(FORM, { track, stage: 'early-warning', isDrill: false }, {});
    const letter = track === 'severe-incident' ? 'v' : 'i';
    const expected = FORM.fields.map(({ no }) => no).filter((no) => !no.startsWith(letter));
    assert.deepEqual(
      rows.map(({ no }) => no),
      expected,
    );
  }
});

test('what a stage requires is missing until it is given; what an earlier stage required stays required', () => {
  const of = { track: 'actively-exploited-vulnerability', isDrill: false } as const;
  const early = buildDossier(FORM, { ...of, stage: 'early-warning' }, {});
  // Art. 14(2)(a) and the glossary: fields 1 to 7 and the moment of awareness.
  assert.deepEqual(early.missing, ['1', '2', '3', '4', '5', '6', '7', 'v26']);
  assert.throws(() => assertComplete(early), { code: 'REPORTING_INCOMPLETE' });
  const values = { '1': 'Vulnerability', v26: '2026-11-20T09:30:00Z' };
  const more = Object.fromEntries(['2', '3', '4', '5', '6', '7'].map((no) => [no, 'text']));
  assertComplete(buildDossier(FORM, { ...of, stage: 'early-warning' }, { ...values, ...more }));
  const next = buildDossier(FORM, { ...of, stage: 'notification' }, values);
  assert.ok(next.missing.includes('2') && next.missing.includes('v21'));
  const last = buildDossier(FORM, { ...of, stage: 'final-report' }, {});
  for (const no of ['16', '17', 'v22', 'v23', 'v24', 'v25']) assert.ok(last.missing.includes(no), no);
});

test('values that the platform would not take are refused with the field that they are for', () => {
  const of = { track: 'severe-incident', stage: 'notification', isDrill: false } as const;
  const table: readonly Readonly<Record<string, string>>[] = [
    { '1': 'Rumour' },
    { '2': 'x'.repeat(256) },
    { i38: '2026-11-20 09:30' },
    { i38: '2026-13-40T09:30:00Z' },
    { v21: 'a field of the other track' },
    { '99': 'no field' },
  ];
  for (const values of table) {
    assert.throws(() => buildDossier(FORM, of, values), { code: 'REPORTING_FIELD_INVALID' }, JSON.stringify(values));
  }
  assert.equal(buildDossier(FORM, of, { '2': 'ü'.repeat(255) }).rows[1]?.value?.length, 255);
});

test('an instant has a zone and is a day of the calendar; the zone of summer and winter gives the same moment', () => {
  const utc = (text: string) => parseInstant(text).toISOString();
  // The hour that Berlin has twice on 25 October 2026 is two moments.
  assert.equal(utc('2026-10-25T02:30:00+02:00'), '2026-10-25T00:30:00.000Z');
  assert.equal(utc('2026-10-25T02:30:00+01:00'), '2026-10-25T01:30:00.000Z');
  assert.equal(utc('2028-02-29T23:59Z'), '2028-02-29T23:59:00.000Z');
  for (const wrong of [
    '2026-11-21',
    '2026-11-21T09:30',
    '2027-02-29T00:00Z',
    '2026-11-31T00:00Z',
    '2026-01-01T25:00Z',
    'now',
  ]) {
    assert.throws(() => parseInstant(wrong), { code: 'REPORTING_FIELD_INVALID' }, wrong);
  }
});

test('a form that is not of its shape is refused', () => {
  assert.throws(() => parsePlatformForm('{'), { code: 'REPORTING_FIELD_INVALID' });
  assert.throws(() => parsePlatformForm(JSON.stringify({ ...FORM, fields: [] })), { code: 'REPORTING_FIELD_INVALID' });
});
