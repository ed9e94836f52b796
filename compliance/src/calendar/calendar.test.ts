import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import ICAL from 'ical.js';
import {
  DATE_KINDS,
  type Deadline,
  deadlinesBetween,
  encodeICalendar,
  isBinding,
  loadDeadlines,
  parseDeadlines,
  type Step,
  scheduleBack,
} from './index.ts';

const TABLE = loadDeadlines();

test('the dates of the product load; no claim is binding, and the law of December 2027 is', () => {
  assert.ok(TABLE.fixed.length > 20);
  for (const one of TABLE.fixed.filter(({ kind }) => kind === 'claim')) assert.equal(isBinding(one), false);
  const binding = TABLE.fixed.filter(isBinding).map(({ date, regime }) => `${date} ${regime}`);
  assert.ok(binding.includes('2027-12-11 CRA/RED'));
  assert.ok(binding.includes('2026-09-11 CRA'));
});

test('a date without kind, source or verification does not load, and no id stands twice', () => {
  const [first] = TABLE.fixed;
  const wrong: unknown[] = [
    { ...first, kind: undefined },
    { ...first, kind: 'rumour' },
    { ...first, source: '' },
    { ...first, verification: 'sure' },
    { ...first, date: '2027-02-29' },
    { ...first, more: 1 },
  ];
  for (const one of wrong) {
    assert.throws(() => parseDeadlines(JSON.stringify({ ...TABLE, fixed: [one] })), { code: 'CALENDAR_INVALID' });
  }
  assert.throws(() => parseDeadlines(JSON.stringify({ ...TABLE, fixed: [first, first] })), {
    code: 'CALENDAR_INVALID',
  });
  assert.throws(() => parseDeadlines('no'), { code: 'CALENDAR_INVALID' });
});

test('a span has the dates of both its ends, in order', () => {
  const found = deadlinesBetween(TABLE.fixed, '2026-09-11', '2027-12-11').map(({ date }) => date);
  assert.equal(found[0], '2026-09-11');
  assert.equal(found.at(-1), '2027-12-11');
  assert.deepEqual(found, found.toSorted());
});

const PLAN: readonly Step[] = [
  { name: 'documents', length: { weeks: 6 }, reason: 'experience' },
  { name: 'laboratory', length: { weeks: 8 }, reason: 'the laboratory says so' },
  { name: 'verification of security', length: { months: 3 }, reason: 'advice: at least three months' },
];

test('steps end where the next begins, and the last on the day itself', () => {
  const laid = scheduleBack(PLAN, '2027-12-11', '2026-11-21');
  assert.deepEqual(
    laid.map(({ name, startsOn, endsOn }) => [name, startsOn, endsOn]),
    [
      ['documents', '2027-06-05', '2027-07-17'],
      ['laboratory', '2027-07-17', '2027-09-11'],
      ['verification of security', '2027-09-11', '2027-12-11'],
    ],
  );
  assert.ok(laid.every(({ isLate }) => !isLate));
  assert.deepEqual(
    scheduleBack(PLAN, '2027-12-11', '2027-07-01').map(({ isLate }) => isLate),
    [true, false, false],
  );
});

test('a month back from its last day is the last day of the month before, in leap years too', () => {
  const month: Step = { name: 'm', length: { months: 1 }, reason: '' };
  const startOf = (end: string): string | undefined => scheduleBack([month], end, '2020-01-01')[0]?.startsOn;
  assert.equal(startOf('2027-03-31'), '2027-02-28');
  assert.equal(startOf('2028-03-31'), '2028-02-29');
  assert.equal(startOf('2028-01-15'), '2027-12-15');
});

test('a plan that cannot be laid is refused', () => {
  const step = (length: Step['length']): Step => ({ name: 'x', length, reason: '' });
  assert.throws(() => scheduleBack([step({ days: 0 })], '2027-12-11', '2026-11-21'), { code: 'CALENDAR_PLAN_INVALID' });
  assert.throws(() => scheduleBack([step({ days: 1.5 })], '2027-12-11', '2026-11-21'), {
    code: 'CALENDAR_PLAN_INVALID',
  });
  assert.throws(() => scheduleBack([], '2027-02-29', '2026-11-21'), { code: 'CALENDAR_PLAN_INVALID' });
  assert.throws(() => scheduleBack([], '2027-02-28', 'today'), { code: 'CALENDAR_PLAN_INVALID' });
});

/** What another implementation reads. */
function read(text: string): { uid: string; summary: string; description: string; start: string; end: string }[] {
  const calendar = new ICAL.Component(ICAL.parse(text) as unknown[]);
  return calendar.getAllSubcomponents('vevent').map((one) => {
    const event = new ICAL.Event(one);
    const { uid, summary, description, startDate, endDate } = event;
    return { uid, summary, description, start: startDate.toString(), end: endDate.toString() };
  });
}

test('the product’s own dates survive another calendar program', () => {
  const events = read(encodeICalendar(TABLE.fixed, TABLE.retrieved));
  assert.equal(events.length, TABLE.fixed.length);
  for (const [index, one] of TABLE.fixed.entries()) {
    assert.equal(events[index]?.start, one.date);
    assert.ok(events[index]?.summary.includes(one.what));
    assert.ok(events[index]?.description.includes(one.source));
    if (one.kind === 'claim') assert.ok(events[index]?.summary.startsWith('[claim] '));
  }
});

test('whatever the text, lines stay within 75 octets and the text comes back', () => {
  const anyText = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }).map((text) => `x${text}`);
  const anyDeadline = fc.record({
    id: fc.constant('one-date'),
    date: fc.constant('2028-02-29'),
    precision: fc.constant('day' as const),
    kind: fc.constantFrom(...DATE_KINDS),
    regime: anyText,
    what: anyText,
    source: anyText,
    verification: fc.constant('primary' as const),
  }) satisfies fc.Arbitrary<Deadline>;
  fc.assert(
    fc.property(anyDeadline, (one) => {
      const text = encodeICalendar([one], '2026-11-21');
      for (const line of text.split('\r\n')) assert.ok(Buffer.byteLength(line) <= 75, line);
      const [event] = read(text);
      const plain = one.what.replace(/\r\n?/g, '\n').replace(/[^\P{Cc}\n]/gu, '');
      assert.ok(event?.summary.endsWith(plain), JSON.stringify([event?.summary, plain]));
      assert.deepEqual([event?.start, event?.end], ['2028-02-29', '2028-03-01']);
    }),
  );
});
