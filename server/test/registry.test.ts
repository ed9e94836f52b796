/** What operators write of devices, over a listening server: one at a time, by filter, by list; and groups. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { addDevice, feedback } from './ddi-device.ts';
import { type DdiServer, startDdiServer } from './ddi-server.ts';
import { lastAssignment, rollOut } from './running-server.ts';

let server: DdiServer;
before(async () => {
  server = await startDdiServer();
  const devices = ['a-1', 'a-2', 'b-1'].map((controllerId) => ({ controllerId, model: 'hub', tags: ['old'] }));
  await server.operator.call('addDevices', { body: { devices } });
});
after(() => server.close());

const codeIs = (code: string) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code);
  return true;
};
const namesOf = async (filter: string): Promise<string[]> =>
  (await server.operator.call('listDevices', { query: { filter } })).items.map(({ controllerId }) => controllerId);

type Predicate = Readonly<Record<string, unknown>>;
async function statements(predicateType: string): Promise<Predicate[]> {
  const { items } = await server.operator.call('listEntries', { query: { limit: 500 } });
  return items
    .filter((item) => item.predicateType === predicateType)
    .map(({ envelope }) => {
      const { payload } = JSON.parse(Buffer.from(envelope, 'base64').toString()) as { payload: string };
      return (JSON.parse(Buffer.from(payload, 'base64').toString()) as { predicate: Predicate }).predicate;
    });
}

test('only what is named changes, and it is stated once', async () => {
  const params = { controllerId: 'a-1' };
  const body = { line: 'gateway', tags: ['new', 'lab', 'new'], attributes: { site: 'Bad Tölz', rack: '7' } };
  const changed = await server.operator.call('changeDevice', { params, body });
  assert.deepEqual(changed.tags, ['lab', 'new']);
  assert.deepEqual([changed.model, changed.line], ['hub', 'gateway']);
  assert.deepEqual(changed.operatorAttributes, { rack: '7', site: 'Bad Tölz' });
  await server.operator.call('changeDevice', { params, body });
  const less = await server.operator.call('changeDevice', { params, body: { attributes: { rack: null } } });
  assert.deepEqual(less.operatorAttributes, { site: 'Bad Tölz' });
  assert.deepEqual(less.attributes, {});
  assert.deepEqual(await namesOf('operator.site:"Bad Tölz"'), ['a-1']);
  assert.equal((await statements('urn:pawl:device-changed:1')).length, 2);
});

test('a device that is not there, or has come to its end, does not change', async () => {
  await server.operator.call('addDevices', { body: { devices: [{ controllerId: 'gone', model: 'hub' }] } });
  await server.operator.call('decommissionDevice', { params: { controllerId: 'gone' } });
  for (const controllerId of ['nobody', 'gone']) {
    await assert.rejects(
      server.operator.call('changeDevice', { params: { controllerId }, body: {} }),
      codeIs('DEVICE_UNKNOWN'),
    );
  }
});

test('attributes and tags are bounded, whatever way they come in', async () => {
  const many = (from: number) => Object.fromEntries(Array.from({ length: 60 }, (_, no) => [`k${from + no}`, 'v']));
  const params = { controllerId: 'b-1' };
  await server.operator.call('changeDevice', { params, body: { attributes: many(0) } });
  await assert.rejects(
    server.operator.call('changeDevice', { params, body: { attributes: many(60) } }),
    codeIs('DEVICE_ATTRIBUTES_TOO_MANY'),
  );
  const tags = Array.from({ length: 32 }, (_, no) => `t${no}`);
  await assert.rejects(
    server.operator.call('tagDevices', { body: { filter: 'name:b-1', add: tags } }),
    codeIs('DEVICE_TAGS_TOO_MANY'),
  );
  assert.deepEqual(await namesOf('tag:t0'), []);
});

test('tags come and go by filter; the same again changes nothing', async () => {
  const body = { filter: 'name:a-*', add: ['pilot'], remove: ['old'] };
  assert.deepEqual(await server.operator.call('tagDevices', { body }), { devices: 2 });
  assert.deepEqual(await server.operator.call('tagDevices', { body }), { devices: 0 });
  assert.deepEqual(await namesOf('tag:pilot'), ['a-1', 'a-2']);
  assert.deepEqual(await namesOf('tag:old'), ['b-1']);
  const last = (await statements('urn:pawl:device-changed:1')).at(-1);
  assert.deepEqual(last?.['devices'], ['a-1', 'a-2']);
});

test('tags by filter reach every device of a fleet that takes several transactions', async () => {
  for (const part of ['x', 'y']) {
    const devices = Array.from({ length: 400 }, (_, no) => ({ controllerId: `${part}-${no}`, model: 'many' }));
    await server.operator.call('addDevices', { body: { devices } });
  }
  const body = { filter: 'model:many not tag:seen', add: ['seen'] };
  assert.deepEqual(await server.operator.call('tagDevices', { body }), { devices: 800 });
  assert.deepEqual(await server.operator.call('countDevices', { query: { filter: 'tag:seen' } }), {
    devices: 800,
    isExact: true,
  });
});

test('a list makes devices what it says; again it changes nothing, and a dry run never does', async () => {
  const devices = [
    { controllerId: 'a-2', model: 'hub-2', tags: ['pilot'] },
    { controllerId: 'c-1', model: 'hub', line: 'gateway', tags: ['z', 'a'], attributes: { site: 'x' } },
  ];
  const send = (isDryRun: boolean) => server.operator.call('importDevices', { body: { devices, isDryRun } });
  const numbers = ({ added, changed, same }: Awaited<ReturnType<typeof send>>) => [added, changed, same];
  const dry = await send(true);
  assert.deepEqual([numbers(dry), dry.tokens, dry.errors], [[1, 1, 0], [], []]);
  assert.deepEqual(await namesOf('name:c-1'), []);
  const first = await send(false);
  assert.deepEqual(numbers(first), [1, 1, 0]);
  assert.deepEqual(
    first.tokens.map(({ controllerId }) => controllerId),
    ['c-1'],
  );
  const again = await send(false);
  assert.deepEqual([numbers(again), again.tokens], [[0, 0, 2], []]);
  assert.deepEqual(await namesOf('name:c-1 tag:a tag:z line:gateway operator.site:x'), ['c-1']);
});

test('a list with a row that cannot be written is not written at all, and says which row', async () => {
  const devices = [
    { controllerId: 'd-1', model: 'hub' },
    { controllerId: 'gone', model: 'hub' },
  ];
  const { errors, tokens } = await server.operator.call('importDevices', { body: { devices } });
  assert.deepEqual(
    errors.map(({ index, code }) => [index, code]),
    [[1, 'DEVICE_EXISTS']],
  );
  assert.deepEqual(tokens, []);
  assert.deepEqual(await namesOf('name:d-1'), []);
});

test('groups are saved, changed, counted and used in filters', async () => {
  const put = (name: string, filter: string, condition: { ifMatch?: string } = {}) =>
    server.operator.call('putGroup', { params: { name }, ...condition, body: { filter } });
  await put('pilots', 'tag:pilot');
  await put('others', 'model:hub* not group:pilots');
  assert.deepEqual(await namesOf('group:pilots name:a-*'), ['a-1', 'a-2']);
  const others = await server.operator.call('getGroup', { params: { name: 'others' } });
  assert.deepEqual([others.devices, others.isExact], [2, true]);
  await put('pilots', 'tag:pilot or name:b-1', { ifMatch: '*' });
  assert.equal((await server.operator.call('getGroup', { params: { name: 'others' } })).devices, 1);
  const page = await server.operator.call('listGroups', { query: { limit: 1 } });
  assert.deepEqual(
    page.items.map(({ name }) => name),
    ['others'],
  );
  const second = await server.operator.call('listGroups', { query: { limit: 1, cursor: page.next ?? '' } });
  assert.deepEqual([second.items.map(({ name }) => name), second.next], [['pilots'], null]);
  await assert.rejects(put('pilots', 'group:others'), codeIs('FILTER_GROUP_CYCLE'));
  await assert.rejects(put('pilots', 'group:none'), codeIs('FILTER_GROUP_UNKNOWN'));
  await assert.rejects(put('pilots', 'tag:'), codeIs('FILTER_MALFORMED'));
});

test('a group that another group or a rollout uses is not deleted under it', async () => {
  const remove = (name: string) => server.operator.call('deleteGroup', { params: { name } });
  await assert.rejects(remove('pilots'), codeIs('GROUP_IN_USE'));
  await remove('others');
  await assert.rejects(remove('others'), codeIs('GROUP_UNKNOWN'));
  await assert.rejects(server.operator.call('getGroup', { params: { name: 'others' } }), codeIs('GROUP_UNKNOWN'));
  const id = await rollOut(server.operator, server.releaseId, 'group:pilots');
  await assert.rejects(remove('pilots'), codeIs('GROUP_IN_USE'));
  await server.operator.call('changeRollout', { params: { id, verb: 'stop' }, body: {} });
  await remove('pilots');
});

test('a group that grows too large for what uses it stays as it was', async () => {
  const put = (name: string, filter: string) =>
    server.operator.call('putGroup', { params: { name }, body: { filter } });
  const terms = (count: number) => Array.from({ length: count }, (_, no) => `tag:t${no}`).join(' or ');
  await put('small', 'tag:a');
  await put('large', Array.from({ length: 8 }, () => 'group:small').join(' '));
  await assert.rejects(put('small', terms(32)), codeIs('FILTER_TOO_LARGE'));
  assert.equal((await server.operator.call('getGroup', { params: { name: 'small' } })).filter, 'tag:a');
});

test('at most 200 groups', async () => {
  const { items } = await server.operator.call('listGroups', { query: { limit: 500 } });
  const put = (no: number) => server.operator.call('putGroup', { params: { name: `g${no}` }, body: { filter: '' } });
  for (let no = items.length; no < 200; no += 1) await put(no);
  await assert.rejects(put(200), codeIs('GROUP_TOO_MANY'));
});

test('the log of a device tells what was said about its assignments, newest first', async () => {
  const device = await addDevice(server, 'log-1');
  await rollOut(server.operator, server.releaseId, 'name:log-1');
  const { id } = await lastAssignment(server.operator, 'log-1');
  await device.post(`/deploymentBase/${id}/feedback`, feedback('proceeding', 'none', { details: ['one'] }));
  await device.post(`/deploymentBase/${id}/feedback`, feedback('closed', 'success', { details: ['two'] }));
  device.close();
  const { items } = await server.operator.call('listDeviceLog', { params: { controllerId: 'log-1' } });
  assert.deepEqual(
    items.map(({ version, messages }) => [version, messages]),
    [
      ['1.2.0', ['two']],
      ['1.2.0', ['one']],
    ],
  );
  const first = await server.operator.call('listDeviceLog', { params: { controllerId: 'log-1' }, query: { limit: 1 } });
  const second = await server.operator.call('listDeviceLog', {
    params: { controllerId: 'log-1' },
    query: { limit: 1, cursor: first.next ?? '' },
  });
  assert.deepEqual(
    second.items.map(({ messages }) => messages),
    [['one']],
  );
  const none = server.operator.call('listDeviceLog', { params: { controllerId: 'nobody' } });
  await assert.rejects(none, codeIs('DEVICE_UNKNOWN'));
});
