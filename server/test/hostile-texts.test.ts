/**
 * Texts that no database holds (U+0000, half of a surrogate pair), over either database. What a device says of an update is not
 * lost for them, and one device that has them among its attributes spoils no filter of the operators; people hear what is wrong.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { addDevice, feedback, type ScriptedDevice } from './ddi-device.ts';
import { preauthorised } from './mender-script.ts';
import { exchange } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';

const NUL = '\0';
/** As JSON writes them: escapes. */
const TEXTS = [NUL, '\ud800', '\udc00\ud800', `a${NUL}b`] as const;

let server: TestServer;
let device: ScriptedDevice;
before(async () => {
  server = await startTestServer();
  device = await addDevice(server, 'dev1');
});
after(async () => {
  device.close();
  await server.close();
});

const shown = async (controllerId: string) => server.operator.call('getDevice', { params: { controllerId } });
const found = async (filter: string) =>
  (await server.operator.call('listDevices', { query: { filter } })).items.map(({ controllerId }) => controllerId);

test('attributes of a device are kept with U+FFFD in their place, and filters over attributes go on', async () => {
  await addDevice(server, 'dev2').then(async (other) => {
    await other.post('/configData', { data: { hw: 'rev2' } }, 'PUT');
    other.close();
  });
  for (const text of TEXTS) {
    const answer = await device.post('/configData', { mode: 'replace', data: { hw: text, [text]: 'x' } }, 'PUT');
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(await found('attribute.hw:rev2'), ['dev2'], JSON.stringify(text));
  }
  const mended = 'a\ufffdb';
  assert.deepEqual((await shown('dev1')).attributes, { hw: mended, [mended]: 'x' });
  assert.deepEqual(await found(`attribute.hw:"${mended}"`), ['dev1']);
  const client = await preauthorised(server, 'mender-1');
  for (const text of TEXTS) {
    for (const method of ['PUT', 'PATCH'] as const) {
      const answer = await client.inventory(method, [
        { name: 'hw', value: [text] },
        { name: text, value: text },
      ]);
      assert.equal(answer.status, 200, answer.text);
    }
    assert.deepEqual(await found('attribute.hw:rev2'), ['dev2']);
    assert.equal((await client.next({ artifact_name: text, device_type: text })).status, 204);
    assert.equal((await client.nextQuery({ artifact_name: text })).status, 204);
  }
});

test('what a device says of an update is taken', async () => {
  for (const text of TEXTS) {
    const installed = await device.post('/installedBase', { name: text, version: text }, 'PUT');
    assert.deepEqual([installed.status, installed.json()['code']], [404, 'DEVICE_NOT_FOUND']);
    const consent = { initiator: text, remark: text };
    assert.equal((await device.post('/confirmationBase/activateAutoConfirm', consent)).status, 200);
    assert.equal((await device.post('/confirmationBase/deactivateAutoConfirm', {})).status, 200);
    const said = await device.post('/deploymentBase/999/feedback', feedback('closed', 'failure', { details: [text] }));
    assert.equal(said.status, 404, said.text);
  }
});

test('what is signed, and what people send, is refused', async () => {
  const post = (path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
    exchange(`${server.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const own = { authorization: `Bearer ${server.token}` };
  for (const text of TEXTS) {
    const proof = { publicKey: 'x', proof: 'x' };
    const said = { name: 'n', attributes: { a: text }, tokenSha256: 'ab'.repeat(32), ...proof };
    for (const [path, body, code] of [
      ['/default/pawl/v1/introduce', said, 'DEVICE_BODY_MALFORMED'],
      ['/default/pawl/v1/enrol', { claim: text, ...proof }, 'DEVICE_BODY_MALFORMED'],
      ['/api/devices/v1/authentication/auth_requests', { id_data: text, pubkey: 'x' }, 'MENDER_REQUEST_MALFORMED'],
      ['/api/v1/vulnerabilities', { title: text, description: 'b' }, 'API_REQUEST_INVALID'],
      ['/api/v1/people', { name: text, roles: [] }, 'API_REQUEST_INVALID'],
    ] as const) {
      const answer = await post(path, body, own);
      assert.deepEqual([answer.status, answer.json()['code']], [400, code], `${path} ${answer.text}`);
    }
  }
  const filter = await exchange(`${server.url}/api/v1/devices?filter=name:%00`, { headers: own });
  assert.deepEqual([filter.status, filter.json()['code']], [400, 'API_REQUEST_INVALID']);
});
