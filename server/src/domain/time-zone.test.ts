/** Held against coreutils' `date` (instant to local time) and Python's zoneinfo (local time to instant). */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { instantOf, isTimeZone, offsetAt } from './time-zone.ts';

// Changes at odd sizes and hours: half an hour, midnight, none, southern, a day that never was, changes in spring only.
const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'America/Sao_Paulo',
  'America/Santiago',
  'Asia/Kathmandu',
  'Asia/Beirut',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Pacific/Apia',
  'Pacific/Chatham',
  'UTC',
];
/** With CI=true nothing is skipped: there a missing tool must fail. */
function skipWithout(tool: string): string | false {
  const isMissing = spawnSync(tool, ['--version']).error !== undefined;
  return isMissing && process.env['CI'] !== 'true' ? `not installed: ${tool}` : false;
}
const DAY_MS = 86_400_000;
const FROM_MS = Date.UTC(2011, 0, 1);
/** Every 37 h 10 min over six years: all hours of all seasons. */
const INSTANTS = Array.from({ length: 1500 }, (_, index) => FROM_MS + index * 133_800_000);

test('an instant is shown in local time as `date` shows it', { skip: skipWithout('date') }, () => {
  for (const zone of ZONES) {
    const shown = execFileSync('date', ['-f', '-', '+%s %::z'], {
      input: INSTANTS.map((ms) => `@${ms / 1000}\n`).join(''),
      env: { TZ: zone },
      encoding: 'utf8',
    });
    for (const line of shown.trim().split('\n')) {
      const [seconds = '', offset = ''] = line.split(' ');
      const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d):00$/.exec(offset) ?? [];
      const expected = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -60_000 : 60_000);
      assert.equal(offsetAt(zone, Number(seconds) * 1000), expected + 0, `${zone} ${line}`);
    }
  }
});

const LOCAL_TO_INSTANT = `
import sys, datetime, zoneinfo
for line in sys.stdin:
    zone, ms = line.split()
    local = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=int(ms))
    print(int(local.replace(tzinfo=zoneinfo.ZoneInfo(zone), fold=0).timestamp() * 1000))
`;

test('a local time is the instant that zoneinfo says, also in gaps and when it comes twice', {
  skip: skipWithout('python3'),
}, () => {
  const changes = ZONES.flatMap((zone) =>
    INSTANTS.flatMap((ms) => {
      const next = ms + 133_800_000;
      if (offsetAt(zone, ms) === offsetAt(zone, next)) return [];
      // Around a change of the clocks: every half an hour of two days.
      return Array.from({ length: 150 }, (_, index) => ({ zone, localMs: ms + index * 1_800_000 }));
    }),
  );
  const sampled = ZONES.flatMap((zone) => INSTANTS.map((localMs) => ({ zone, localMs })));
  const cases = [...changes, ...sampled];
  assert.ok(changes.length > 5000);
  const said = execFileSync('python3', ['-c', LOCAL_TO_INSTANT], {
    input: cases.map(({ zone, localMs }) => `${zone} ${localMs}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  const expected = said.trim().split('\n').map(Number);
  for (const [index, { zone, localMs }] of cases.entries()) {
    if (instantOf(zone, localMs) === expected[index]) continue;
    assert.equal(instantOf(zone, localMs), expected[index], `${zone} ${new Date(localMs).toISOString()}`);
  }
});

test('the examples of RFC 5545 §3.3.5: first occurrence, and the offset before a gap', () => {
  const zone = 'America/New_York';
  assert.equal(instantOf(zone, Date.UTC(2007, 10, 4, 1, 30)), Date.parse('2007-11-04T01:30:00-04:00'));
  assert.equal(instantOf(zone, Date.UTC(2007, 2, 11, 2, 30)), Date.parse('2007-03-11T03:30:00-04:00'));
});

test('fixed offsets are zones; what is no zone is none', () => {
  assert.equal(offsetAt('+05:45', 0), 5.75 * 3_600_000);
  assert.equal(offsetAt('-09:30', DAY_MS), -9.5 * 3_600_000);
  for (const zone of ['UTC', 'Europe/Berlin', '+00:00', '-23:59']) assert.ok(isTimeZone(zone), zone);
  for (const zone of ['', 'Mars/Base', '+24:00', '+05:60', '05:00', 'constructor']) assert.ok(!isTimeZone(zone), zone);
  assert.throws(() => offsetAt('Mars/Base', 0), RangeError);
});
