/** Reminders of inquiries: each goes out once, in its time, and only while the supplier has not answered. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { placeNewEvents } from '../src/jobs/events.ts';
import { remindOfInquiries } from '../src/jobs/inquiry-reminders.ts';
import { type FaultServer, startFaultServer } from './fault-server.ts';

const SOURCE = readFileSync(new URL('../../examples/products/hearth.yaml', import.meta.url), 'utf8');
let at = '2026-11-21';
let server: FaultServer;
before(async () => {
  server = await startFaultServer(undefined, undefined, () => new Date(`${at}T23:30:00Z`));
  await server.operator.call('putProduct', { params: { product: 'hearth' }, body: { source: SOURCE } });
});
after(() => server.close());

async function told(): Promise<unknown[]> {
  await remindOfInquiries(server.ports);
  await remindOfInquiries(server.ports);
  await placeNewEvents(server.ports);
  const { items } = await server.operator.call('listEvents', { query: { limit: 500 } });
  return items.flatMap(({ type, data }) => {
    if (type === 'pawl.inquiry.reminder') return [data.reminder];
    return type === 'pawl.inquiry.changed' ? [data.act] : [];
  });
}

test('a week before, on the day and after it somebody is told, once each; not when it was withdrawn', async () => {
  const questions = [{ id: 'q', topic: 't', text: 'Is it?', kind: 'yes-no', attachment: false } as const];
  const template = { template: 'parts', edition: '1', title: 'Parts', questions };
  const asked = { supplier: 'Chip AG', product: 'hearth', parts: ['MCU'], template };
  const { inquiry } = await server.operator.call('makeInquiry', { body: { ...asked, dueOn: '2026-12-01' } });
  assert.deepEqual(await told(), ['make']);
  at = '2026-11-23';
  assert.deepEqual(await told(), ['make']);
  at = '2026-11-24';
  assert.deepEqual(await told(), ['make', 'week']);
  at = '2026-12-01';
  assert.deepEqual(await told(), ['make', 'week', 'day']);
  at = '2027-02-28';
  assert.deepEqual(await told(), ['make', 'week', 'day', 'overdue']);
  const late = await server.operator.call('makeInquiry', { body: { ...asked, dueOn: '2027-03-01' } });
  const params = { id: late.inquiry.id };
  await server.operator.call('withdrawInquiry', { params, body: { reason: 'a test' } });
  assert.deepEqual((await told()).slice(4), ['make', 'withdraw']);
  assert.equal((await server.operator.call('getInquiry', { params: { id: inquiry.id } })).isOverdue, true);
});
