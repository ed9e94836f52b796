/** Reports by CRA Article 14: clocks, dossier, the record of what was sent, drills, and reminders that go out once. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { NewSubmission } from '@pawl/contract/management';
import { placeNewEvents } from '../src/jobs/events.ts';
import { remindOfReports } from '../src/jobs/reminders.ts';
import { settleLedger } from '../src/store/ledger.ts';
import { type FaultServer, startFaultServer } from './fault-server.ts';

const HOUR_MS = 3_600_000;
const AWARE = '2026-11-21T10:00:00.000Z';
const SHA = 'ab'.repeat(32);
let atMs = Date.parse('2026-11-21T12:00:00.000Z');
let server: FaultServer;
before(async () => {
  server = await startFaultServer(undefined, undefined, () => new Date(atMs));
});
after(() => server.close());

const coded = (code: string) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code);
  return true;
};
const at = (text: string): void => {
  atMs = Date.parse(text);
};
const open = (more: { isDrill?: boolean; track?: 'severe-incident' | 'actively-exploited-vulnerability' } = {}) =>
  server.operator.call('openIncident', {
    body: { track: 'actively-exploited-vulnerability', title: 'Secret title', awareAt: AWARE, isDrill: false, ...more },
  });
const submit = (id: number, stage: NewSubmission['stage'], when: string) =>
  server.operator.call('recordSubmission', {
    params: { id },
    body: { stage, at: when, sentBy: 'A. Reporter', reference: `SRP-${stage}`, dossierSha256: SHA },
  });
const clocks = async (id: number) =>
  (await server.operator.call('getIncident', { params: { id } })).clocks.map(({ state, dueAt }) => [state, dueAt]);

type Predicate = Readonly<Record<string, unknown>>;
async function statements(predicateType: string): Promise<Predicate[]> {
  await settleLedger(server.database);
  const { items } = await server.operator.call('listEntries', { query: { limit: 500 } });
  return items
    .filter((item) => item.predicateType === predicateType)
    .map(({ envelope }) => {
      const { payload } = JSON.parse(Buffer.from(envelope, 'base64').toString()) as { payload: string };
      return (JSON.parse(Buffer.from(payload, 'base64').toString()) as { predicate: Predicate }).predicate;
    });
}

test('the clocks run from awareness, from the measure and from the notification, and stop by what was sent only', async () => {
  const { operator } = server;
  const { id } = await open();
  assert.deepEqual(await clocks(id), [
    ['running', '2026-11-22T10:00:00.000Z'],
    ['running', '2026-11-24T10:00:00.000Z'],
    ['not-started', null],
  ]);
  await assert.rejects(operator.call('closeIncident', { params: { id }, body: {} }), coded('REPORTING_CLOCK_OPEN'));
  await assert.rejects(submit(id, 'notification', '2026-11-21T11:00:00Z'), coded('REPORTING_ORDER'));
  await assert.rejects(submit(id, 'early-warning', '2026-11-21T09:00:00Z'), coded('REPORTING_ORDER'));
  await assert.rejects(submit(id, 'early-warning', '2026-11-21T12:00:01Z'), coded('REPORTING_ORDER'));
  await submit(id, 'early-warning', '2026-11-21T12:00:00Z');
  await assert.rejects(submit(id, 'early-warning', '2026-11-21T12:00:00Z'), coded('REPORTING_ORDER'));
  at('2026-11-25T00:00:00Z');
  assert.deepEqual((await clocks(id))[1], ['overdue', '2026-11-24T10:00:00.000Z']);
  await submit(id, 'notification', '2026-11-25T00:00:00Z');
  const measure = { measureAvailableAt: '2026-11-24T22:00:00.000Z' };
  await operator.call('changeIncident', { params: { id }, body: measure });
  await operator.call('changeIncident', { params: { id }, body: measure });
  for (const other of ['2026-11-24T22:00:01Z', '2026-11-25T00:00:01Z']) {
    const change = operator.call('changeIncident', { params: { id }, body: { measureAvailableAt: other } });
    await assert.rejects(change, coded('REPORTING_ORDER'));
  }
  assert.deepEqual(await clocks(id), [
    ['met', '2026-11-22T10:00:00.000Z'],
    ['met-late', '2026-11-24T10:00:00.000Z'],
    ['running', '2026-12-08T22:00:00.000Z'],
  ]);
  at('2026-12-08T00:00:00Z');
  await submit(id, 'final-report', '2026-12-08T00:00:00Z');
  await assert.rejects(operator.call('closeIncident', { params: { id }, body: {} }), coded('REPORTING_CLOCK_OPEN'));
  await operator.call('changeIncident', { params: { id }, body: { usersInformedAt: '2026-12-01T00:00:00Z' } });
  await operator.call('closeIncident', { params: { id }, body: {} });
  await assert.rejects(operator.call('closeIncident', { params: { id }, body: {} }), coded('INCIDENT_CLOSED'));
  const said = await statements('urn:pawl:incident-report:1');
  assert.deepEqual(
    said
      .filter(({ act }) => act === 'submit')
      .map(({ stage, reference, dossierSha256, sentBy }) => [stage, reference, dossierSha256, sentBy]),
    (['early-warning', 'notification', 'final-report'] as const).map((stage) => [
      stage,
      `SRP-${stage}`,
      SHA,
      'A. Reporter',
    ]),
  );
  assert.doesNotMatch(JSON.stringify(said), /Secret title/);
});

test('the final report of an incident is due a month after the notification: over a leap day, and at the end of a month', async () => {
  for (const [sent, due] of [
    ['2024-01-31T10:00:00Z', '2024-02-29T10:00:00.000Z'],
    ['2024-02-29T23:30:00Z', '2024-03-29T23:30:00.000Z'],
    ['2026-03-29T00:30:00Z', '2026-04-29T00:30:00.000Z'],
  ] as const) {
    const body = { track: 'severe-incident', title: 'x', awareAt: sent, isDrill: false } as const;
    const { id } = await server.operator.call('openIncident', { body });
    await submit(id, 'early-warning', sent);
    await submit(id, 'notification', sent);
    assert.deepEqual((await clocks(id))[2], ['overdue', due]);
  }
  const ahead = { track: 'severe-incident', title: 'x', awareAt: '2030-01-01T00:00:00Z', isDrill: false } as const;
  await assert.rejects(server.operator.call('openIncident', { body: ahead }), coded('REPORTING_ORDER'));
});

test('the dossier has the fields of the next stage in their order, and takes no value that the platform would not', async () => {
  const { operator } = server;
  const { id } = await open();
  const params = { id };
  const first = await operator.call('getDossier', { params, query: {} });
  assert.equal(first.stage, 'early-warning');
  assert.deepEqual(first.missing, ['1', '2', '3', '4', '5', '6', '7', 'v26']);
  await operator.call('changeIncident', {
    params,
    body: { values: { '1': 'Vulnerability', v26: '2026-11-21T10:00:00Z' } },
  });
  assert.deepEqual((await operator.call('getDossier', { params, query: {} })).missing, ['2', '3', '4', '5', '6', '7']);
  for (const values of [{ i38: '2026-11-21T10:00:00Z' }, { '1': 'Rumour' }, { v26: 'yesterday' }, { '999': 'x' }]) {
    const change = operator.call('changeIncident', { params, body: { values } });
    await assert.rejects(change, coded('REPORTING_FIELD_INVALID'), JSON.stringify(values));
  }
  await operator.call('changeIncident', { params, body: { values: { v26: null } } });
  assert.ok((await operator.call('getDossier', { params, query: { stage: 'final-report' } })).missing.includes('v26'));
  await assert.rejects(operator.call('getDossier', { params: { id: 999 }, query: {} }), coded('INCIDENT_UNKNOWN'));
});

test('a drill is listed, stated and told apart from every report', async () => {
  const { operator } = server;
  const { id, isDrill } = await open({ isDrill: true });
  assert.equal(isDrill, true);
  const listed = async (query: { drills?: 'true' }) => (await operator.call('listIncidents', { query })).items;
  assert.ok((await listed({})).every((one) => !one.isDrill));
  assert.deepEqual(
    (await listed({ drills: 'true' })).map((one) => one.id),
    [id],
  );
  assert.ok((await statements('urn:pawl:incident-report:1')).every((one) => one['incidentId'] !== id));
  assert.equal((await statements('urn:pawl:incident-drill:1')).at(-1)?.['incidentId'], id);
  await placeNewEvents(server.ports);
  const { items } = await operator.call('listEvents', { query: { limit: 500 } });
  assert.ok(items.some(({ subject }) => subject === `drill/${id}`));
});

test('each reminder goes out once, also when the server was away for a while, and none for what was sent', async () => {
  at(AWARE);
  const { id } = await open();
  const told = async () => {
    await placeNewEvents(server.ports);
    const { items } = await server.operator.call('listEvents', { query: { limit: 500 } });
    return items.flatMap((event) =>
      event.type === 'pawl.incident.reminder' && event.data.incidentId === id
        ? [`${event.data.stage} ${event.data.isOverdue}`]
        : [],
    );
  };
  const expected: string[] = [];
  const turn = async (hours: number, ...more: string[]) => {
    atMs = Date.parse(AWARE) + hours * HOUR_MS;
    // Two processes, and one of them twice.
    await Promise.all([remindOfReports(server.ports), remindOfReports(server.ports)]);
    await remindOfReports(server.ports);
    expected.push(...more);
    assert.deepEqual(await told(), expected, `${hours} h`);
  };
  await turn(0, 'early-warning false', 'notification false');
  await turn(11);
  await turn(12, 'early-warning false');
  // Away from 12 h to 23 h: the last reminder only.
  await turn(23, 'early-warning false');
  await turn(24, 'early-warning true');
  await submit(id, 'early-warning', new Date(atMs).toISOString());
  await turn(72, 'notification true');
  await submit(id, 'notification', new Date(atMs).toISOString());
  await turn(24 * 300);
});
