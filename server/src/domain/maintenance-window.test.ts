import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MaintenanceWindow, WEEKDAYS } from '@pawl/contract/management';
import fc from 'fast-check';
import { WindowClock, windowAt } from './maintenance-window.ts';
import { instantOf } from './time-zone.ts';

const NIGHT: MaintenanceWindow = { start: '02:00', durationMinutes: 120 };
const BERLIN = 'Europe/Berlin';
const at = (windows: readonly MaintenanceWindow[], zone: string, time: string): string => {
  const { isOpen, untilMs } = windowAt(windows, zone, Date.parse(time));
  return `${isOpen ? 'open' : 'closed'} until ${new Date(untilMs).toISOString().slice(0, 16)}`;
};

test('a window opens at its start and is closed at its end, in the time of the device', () => {
  assert.equal(at([NIGHT], BERLIN, '2026-01-10T00:59:59Z'), 'closed until 2026-01-10T01:00');
  assert.equal(at([NIGHT], BERLIN, '2026-01-10T01:00:00Z'), 'open until 2026-01-10T03:00');
  assert.equal(at([NIGHT], BERLIN, '2026-01-10T03:00:00Z'), 'closed until 2026-01-11T01:00');
  assert.equal(at([NIGHT], '+05:45', '2026-01-10T03:00:00Z'), 'closed until 2026-01-10T20:15');
  assert.equal(windowAt([], BERLIN, 0).isOpen, true);
});

test('days count in the time of the device, and a window that began on its day goes on across midnight', () => {
  const friday: MaintenanceWindow = { days: ['fri'], start: '23:00', durationMinutes: 180 };
  // 2026-01-09 is a Friday (cal 2026).
  assert.equal(at([friday], 'UTC', '2026-01-10T01:59:00Z'), 'open until 2026-01-10T02:00');
  assert.equal(at([friday], 'UTC', '2026-01-10T02:00:00Z'), 'closed until 2026-01-16T23:00');
  assert.equal(at([friday], 'Pacific/Apia', '2026-01-09T10:30:00Z'), 'open until 2026-01-09T13:00');
  assert.equal(at([friday], 'Pacific/Apia', '2026-01-09T23:00:00Z'), 'closed until 2026-01-16T10:00');
});

test('02:30 that does not exist in spring begins behind the gap; what comes twice in autumn begins once', () => {
  const half: MaintenanceWindow = { start: '02:30', durationMinutes: 60 };
  assert.equal(at([half], BERLIN, '2026-03-29T01:29:00Z'), 'closed until 2026-03-29T01:30');
  assert.equal(at([half], BERLIN, '2026-03-29T01:30:00Z'), 'open until 2026-03-29T02:30');
  assert.equal(at([half], BERLIN, '2026-10-25T00:30:00Z'), 'open until 2026-10-25T01:30');
  assert.equal(at([half], BERLIN, '2026-10-25T01:31:00Z'), 'closed until 2026-10-26T01:30');
});

test('windows that touch or overlap are one; windows without a gap never close', () => {
  const chain = ['00:00', '01:30', '03:00'].map((start): MaintenanceWindow => ({ start, durationMinutes: 90 }));
  assert.equal(at(chain, 'UTC', '2026-01-10T00:00:00Z'), 'open until 2026-01-10T04:30');
  const week: MaintenanceWindow = { days: ['mon'], start: '00:00', durationMinutes: 10_080 };
  const { isOpen, untilMs } = windowAt([week], BERLIN, Date.parse('2026-05-03T12:00:00Z'));
  assert.ok(isOpen && untilMs > Date.parse('2026-05-04T12:00:00Z'));
});

const window = fc.record({
  days: fc.uniqueArray(fc.constantFrom(...WEEKDAYS), { minLength: 1 }),
  start: fc
    .tuple(fc.nat(23), fc.nat(59))
    .map(([hours, minutes]) => `${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`),
  durationMinutes: fc.integer({ min: 1, max: 10_080 }),
});
const zones = fc.constantFrom(BERLIN, 'America/Santiago', 'Australia/Lord_Howe', 'Asia/Kolkata', 'UTC', '-03:30');
const instants = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2027, 0, 1) });

/** The definition, said without sorting: some day's window has begun and has not ended. */
function isInside(windows: readonly MaintenanceWindow[], zone: string, instantMs: number): boolean {
  const noon = Math.floor(instantMs / 86_400_000) * 86_400_000;
  return windows.some(({ days = WEEKDAYS, start, durationMinutes }) =>
    Array.from({ length: 19 }, (_, index) => noon + (index - 9) * 86_400_000).some((dayMs) => {
      const name = new Date(dayMs).toLocaleDateString('en', { weekday: 'short', timeZone: 'UTC' }).toLowerCase();
      const fromMs = instantOf(zone, Date.parse(`${new Date(dayMs).toISOString().slice(0, 10)}T${start}:00Z`));
      return days.some((day) => day === name) && fromMs <= instantMs && instantMs < fromMs + durationMinutes * 60_000;
    }),
  );
}

test('open is what the definition says, holds until the time that is named, and changes there', () => {
  fc.assert(
    fc.property(fc.array(window, { minLength: 1, maxLength: 3 }), zones, instants, (windows, zone, instantMs) => {
      const { isOpen, untilMs } = windowAt(windows, zone, instantMs);
      assert.equal(isOpen, isInside(windows, zone, instantMs));
      assert.ok(untilMs > instantMs);
      assert.equal(isInside(windows, zone, untilMs - 1), isOpen);
      // What lies a week ahead may go on for ever.
      if (untilMs - instantMs < 7 * 86_400_000) assert.equal(isInside(windows, zone, untilMs), !isOpen);
      const clock = new WindowClock();
      for (const later of [0, 1, untilMs - instantMs - 1, untilMs - instantMs, -1]) {
        const kept = clock.at('k', windows, zone, instantMs + later);
        assert.equal(kept.isOpen, windowAt(windows, zone, instantMs + later).isOpen);
      }
    }),
    { numRuns: 60 },
  );
});
