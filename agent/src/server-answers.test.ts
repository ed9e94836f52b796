/** What the agent makes of a server that answers badly: raw answers over loopback, the agent's own code on the other side. */
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { enrolAgent, introduceAgent } from '@pawl/agent/main';
import { DeviceApi } from '../test/device-api.ts';
import { ReleaseRepository } from '../test/release-repository.ts';
import { TestDevice } from '../test/test-device.ts';
import { loadConfig, saveConfig } from './config.ts';
import { nodeDisk } from './disk.ts';
import { stateFolder } from './state-folder.ts';

type Answer = (response: ServerResponse) => void;

let answer: Answer;
let api: DeviceApi;
let device: TestDevice;
const server = createServer((_, response) => answer(response));

before(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const repository = await ReleaseRepository.start();
  api = await DeviceApi.start(repository);
  device = await TestDevice.make(repository, api);
  const path = stateFolder(device.stateDir).config;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await saveConfig(nodeDisk, path, { ...(await loadConfig(nodeDisk, path)), server: url });
});
after(async () => {
  server.closeAllConnections();
  server.close();
  await api.close();
  device.remove();
});

const json =
  (value: unknown): Answer =>
  (response) =>
    response.end(JSON.stringify(value));
const status =
  (code: number, body = ''): Answer =>
  (response) =>
    response.writeHead(code).end(body);

describe('a poll', () => {
  const cases: readonly (readonly [name: string, code: string, answer: Answer])[] = [
    ['401', 'AGENT_SERVER_REFUSED', status(401)],
    ['404', 'AGENT_SERVER_REFUSED', status(404)],
    ['500', 'AGENT_SERVER_REFUSED', status(500, 'a page')],
    ['a redirect', 'AGENT_SERVER_REFUSED', (response) => response.writeHead(302, { location: '/' }).end()],
    ['a page', 'AGENT_ANSWER_MALFORMED', (response) => response.end('<html>')],
    ['no UTF-8', 'AGENT_ANSWER_MALFORMED', (response) => response.end(Uint8Array.of(0xff))],
    ['another document', 'AGENT_ANSWER_MALFORMED', json({ id: '7' })],
    ['no document', 'AGENT_ANSWER_MALFORMED', json(null)],
    ['a document without end', 'AGENT_ANSWER_MALFORMED', (response) => response.end(' '.repeat(300_000))],
    ['nothing', 'AGENT_SERVER_UNREACHABLE', (response) => response.destroy()],
    [
      'a document that breaks off',
      'AGENT_SERVER_UNREACHABLE',
      (response) => response.writeHead(200, { 'content-length': 9 }).write('{', () => response.destroy()),
    ],
    [
      'a link to elsewhere',
      'AGENT_LINK_FOREIGN',
      json({
        config: { polling: { sleep: '00:01:00' } },
        _links: { deploymentBase: { href: 'http://127.0.0.2:9/default/controller/v1/hub-1/deploymentBase/7' } },
      }),
    ],
  ];
  for (const [name, code, given] of cases) {
    test(`that is answered with ${name} is tried again later`, async () => {
      answer = given;
      device.events.length = 0;
      await device.run(1);
      const heard = device.events.flatMap((event) => (event.event === 'unreachable' ? [event.code] : []));
      assert.deepEqual(heard, [code]);
    });
  }
});

describe('an introduction', () => {
  test('is tried again while the server says wait, or says nothing of use, and ends with a name or a refusal', async () => {
    const path = stateFolder(device.stateDir).config;
    const { controllerId: _, token: __, ...config } = await loadConfig(nodeDisk, path);
    await saveConfig(nodeDisk, path, config);
    answer = json({ state: 'pending', askAgainS: 60 });
    const { keyId, controllerId } = await introduceAgent({ stateDir: device.stateDir, name: 'hub-1' }, device.ports());
    assert.match(keyId, /^[0-9a-f]{64}$/);
    assert.equal(controllerId, undefined);
    const said = [
      json({ state: 'pending', askAgainS: 60 }),
      status(503, '{}'),
      status(200, '{"token":"secret"}'),
      status(429, '{}'),
      json({ state: 'enrolled', controllerId: 'hub-1', pollIntervalS: 60 }),
      json({ config: { polling: { sleep: '00:01:00' } }, _links: {} }),
    ];
    answer = (response) => (said.shift() ?? status(500, ''))(response);
    device.events.length = 0;
    await device.run(1);
    assert.deepEqual(
      device.events.map((event) => ('code' in event ? `${event.event} ${event.code}` : event.event)),
      [
        'waiting AGENT_INTRODUCTION_PENDING',
        'unreachable AGENT_SERVER_REFUSED',
        'unreachable AGENT_ANSWER_MALFORMED',
        'unreachable AGENT_SERVER_REFUSED',
        'started',
        'polled',
        'stopped',
      ],
    );
    const pending = 'AGENT_INTRODUCTION_PENDING';
    assert.ok(device.events.some((event) => event.event === 'waiting' && event.code === pending));
    await saveConfig(nodeDisk, path, { ...config, introduction: {}, token: 'a-token' });
    answer = status(403, '{"code":"DEVICE_INTRODUCTION_REFUSED"}');
    const details = { status: 403, reason: 'DEVICE_INTRODUCTION_REFUSED' };
    await assert.rejects(device.run(1), { code: 'AGENT_ENROLMENT_REFUSED', details });
    await saveConfig(nodeDisk, path, { ...config, controllerId: 'hub-1', token: 'a-token' });
  });
});

describe('an enrolment', () => {
  const enrol = () => enrolAgent({ stateDir: device.stateDir, claim: 'a claim' }, device.ports());

  test('that the server refuses says its status and the code of its problem', async () => {
    const cases: readonly (readonly [Answer, object])[] = [
      [status(409, '{"code":"DEVICE_CLAIM_INVALID"}'), { status: 409, reason: 'DEVICE_CLAIM_INVALID' }],
      [status(400, '{"code":7}'), { status: 400, reason: undefined }],
      [status(502, '<html>'), { status: 502, reason: undefined }],
    ];
    for (const [given, details] of cases) {
      answer = given;
      await assert.rejects(enrol(), { code: 'AGENT_ENROLMENT_REFUSED', details });
    }
  });

  test('that is answered with something else is malformed, and the token in it is not quoted', async () => {
    for (const body of ['', '<html>', '{"token":"secret"}', '[]']) {
      answer = status(200, body);
      await assert.rejects(enrol(), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'AGENT_ANSWER_MALFORMED');
        assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /secret/);
        return true;
      });
    }
  });

  test('without a server cannot be', async () => {
    answer = (response) => response.destroy();
    await assert.rejects(enrol(), { code: 'AGENT_SERVER_UNREACHABLE' });
  });
});
