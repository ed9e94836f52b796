/**
 * rauc-hawkbit-updater, replayed: its requests byte for byte as libcurl sends them (a new connection for each), and of the
 * answers exactly what it reads. It takes 200 and nothing else, follows `_links` by JSON path, and wants one chunk of one file.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type DdiServer, startDdiServer } from './ddi-server.ts';
import { RawConnection, type RawReply } from './raw-connection.ts';
import { lastAssignment, rollOut } from './running-server.ts';

const AGENT = 'rauc-hawkbit-c-agent/1.0';
const JSON_TYPE = 'application/json;charset=UTF-8';
const TIME = '20260131T101112';

let server: DdiServer;
before(async () => {
  server = await startDdiServer();
});
after(() => server.close());

class Updater {
  readonly name: string;
  readonly #token: string;
  readonly #host = new URL(server.url).host;

  constructor(name: string, token: string) {
    this.name = name;
    this.#token = token;
  }

  static async of(name: string): Promise<Updater> {
    const body = { devices: [{ controllerId: name, model: 'gw-1', line: 'gateway' }] };
    const { devices } = await server.operator.call('addDevices', { body });
    return new Updater(name, devices[0]?.token ?? '');
  }

  base(): string {
    return `${server.url}/default/controller/v1/${this.name}`;
  }

  /** As `rest_request` does: its own headers, in its order. */
  rest(method: string, url: string, body?: object): Promise<RawReply> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const more = body === undefined ? [] : [`Content-Type: ${JSON_TYPE}`, `Content-Length: ${text.length}`];
    const lines = [
      `${method} ${url.replace(server.url, '')} HTTP/1.1`,
      `Host: ${this.#host}`,
      `User-Agent: ${AGENT}`,
      `Accept: ${JSON_TYPE}`,
      `Authorization: TargetToken ${this.#token}`,
      ...more,
    ];
    return this.#send(`${lines.join('\r\n')}\r\n\r\n${text}`);
  }

  /** As `get_binary` does, with the range of a download that is taken up. */
  binary(url: string, range?: string): Promise<RawReply> {
    const lines = [
      `GET ${url.replace(server.url, '')} HTTP/1.1`,
      `Host: ${this.#host}`,
      ...(range === undefined ? [] : [`Range: bytes=${range}`]),
      `User-Agent: ${AGENT}`,
      `Authorization: TargetToken ${this.#token}`,
      'Accept: application/octet-stream',
    ];
    return this.#send(`${lines.join('\r\n')}\r\n\r\n`);
  }

  async #send(bytes: string): Promise<RawReply> {
    const connection = new RawConnection(server.url);
    try {
      return await connection.exchange(bytes);
    } finally {
      connection.close();
    }
  }

  async poll(): Promise<Poll> {
    const reply = await this.rest('GET', this.base());
    assert.equal(reply.status, 200);
    return JSON.parse(reply.body.toString()) as Poll;
  }

  feedback(url: string, id: string, execution: string, finished: string, detail: string): Promise<RawReply> {
    const status = { result: { finished }, execution, details: [detail] };
    return this.rest('POST', `${url.split('?')[0] ?? ''}/feedback`, { id, time: TIME, status });
  }

  /** The version it reports with its configuration; it sends no mode. */
  configData(url: string, version: string): Promise<RawReply> {
    const status = { result: { finished: 'success' }, execution: 'closed', details: [''] };
    const data = { product: 'Terminator', version, mac: 'ff:ff:ff:ff:ff:ff' };
    return this.rest('PUT', url, { id: '', time: TIME, status, data });
  }
}

type Poll = {
  config: { polling: { sleep: string } };
  _links: Partial<Record<string, { href: string }>>;
};
type Deployment = {
  id: string;
  deployment: {
    download: string;
    update: string;
    chunks: {
      version: string;
      name: string;
      artifacts: { size: number; hashes: { sha1: string }; _links: Record<string, { href: string }> }[];
    }[];
  };
};

const link = async (updater: Updater, name: string): Promise<string> => (await updater.poll())._links[name]?.href ?? '';
const stateOf = async (name: string) => (await lastAssignment(server.operator, name)).state;

test('a poll, the attributes, a deployment, its download and its end, in the order of the client', async () => {
  const updater = await Updater.of('rhu-whole');
  const rolloutId = await rollOut(server.operator, server.releaseId, 'name:rhu-whole', { successKind: 'version-seen' });
  const poll = await updater.poll();
  assert.match(poll.config.polling.sleep, /^[0-9]{2}:[0-9]{2}:[0-9]{2}$/);
  assert.deepEqual(Object.keys(poll._links).sort(), ['configData', 'deploymentBase']);
  const told = await updater.configData(poll._links['configData']?.href ?? '', '1.0.0');
  assert.deepEqual([told.status, told.body.length], [200, 0]);
  const href = poll._links['deploymentBase']?.href ?? '';
  const reply = await updater.rest('GET', href);
  const { id, deployment } = JSON.parse(reply.body.toString()) as Deployment;
  assert.deepEqual([reply.status, deployment.chunks.length, deployment.chunks[0]?.artifacts.length], [200, 1, 1]);
  assert.deepEqual([deployment.download, deployment.update], ['forced', 'forced']);
  const artifact = deployment.chunks[0]?.artifacts[0];
  const url = (artifact?._links['download'] ?? artifact?._links['download-http'])?.href ?? '';

  assert.equal((await updater.feedback(href, id, 'proceeding', 'none', 'Starting to download update.')).status, 200);
  const half = server.swu.length >> 1;
  const whole = await updater.binary(url);
  const rest = await updater.binary(url, `${half}-`);
  const beyond = await updater.binary(url, `${server.swu.length}-`);
  assert.deepEqual([whole.status, rest.status, beyond.status], [200, 206, 416]);
  assert.ok(whole.body.equals(server.swu) && rest.body.equals(server.swu.subarray(half)));
  assert.equal(createHash('sha1').update(whole.body).digest('hex'), artifact?.hashes.sha1);
  assert.equal((await updater.feedback(href, id, 'proceeding', 'none', 'Download complete. 1.00 MB/s')).status, 200);

  // It says so before it restarts; with version-seen that is not the end.
  assert.equal(
    (await updater.feedback(href, id, 'closed', 'success', 'Software bundle installed successful.')).status,
    200,
  );
  assert.equal(await stateOf('rhu-whole'), 'reported');
  const succeeded = async () => (await server.operator.call('getRollout', { params: { id: rolloutId } })).succeeded;
  assert.equal(await succeeded(), 0);
  assert.equal((await updater.configData(await link(updater, 'configData'), '1.2.0')).status, 200);
  assert.equal(await succeeded(), 1);
});

test('streaming: thousands of small ranges count as no status, and are not slowed down', async () => {
  const updater = await Updater.of('rhu-stream');
  await rollOut(server.operator, server.releaseId, 'name:rhu-stream');
  const { id } = await lastAssignment(server.operator, 'rhu-stream');
  const href = await link(updater, 'deploymentBase');
  const reply = await updater.rest('GET', href);
  const { deployment } = JSON.parse(reply.body.toString()) as Deployment;
  const url = deployment.chunks[0]?.artifacts[0]?._links['download']?.href ?? '';
  for (let at = 0; at < 300; at += 1) {
    assert.equal((await updater.binary(url, `${at * 100}-${at * 100 + 99}`)).status, 206);
  }
  const { items } = await server.operator.call('listAssignmentLog', { params: { id }, query: { limit: 1000 } });
  assert.deepEqual(
    items.map(({ status }) => status),
    ['RETRIEVED'],
  );
});

const CANCELS: readonly (readonly [string, string, string, string])[] = [
  ['closed', 'success', 'Action canceled.', 'cancelled'],
  ['rejected', 'success', 'Cancelation impossible, installation started already.', 'offered'],
];
for (const [execution, finished, detail, state] of CANCELS) {
  test(`a cancellation is answered ${execution}, and leads to ${state}`, async () => {
    const name = `rhu-${execution}`;
    const updater = await Updater.of(name);
    const rolloutId = await rollOut(server.operator, server.releaseId, `name:${name}`);
    const { id } = await lastAssignment(server.operator, name);
    await server.operator.call('cancelAssignment', { params: { id }, body: {} });
    const href = await link(updater, 'cancelAction');
    const reply = await updater.rest('GET', href);
    const { cancelAction } = JSON.parse(reply.body.toString()) as { cancelAction: { stopId: string } };
    assert.deepEqual([reply.status, cancelAction.stopId], [200, String(id)]);
    assert.equal((await updater.feedback(href, cancelAction.stopId, execution, finished, detail)).status, 200);
    assert.equal(await stateOf(name), state);
    if (state === 'cancelled') return;
    // Too late to stop: it goes on to its end, and nothing waits for ever (hawkBit's issues 950 and 1318).
    const deployment = await link(updater, 'deploymentBase');
    assert.equal((await updater.feedback(deployment, String(id), 'closed', 'success', 'done')).status, 200);
    const rollout = await server.operator.call('getRollout', { params: { id: rolloutId } });
    assert.deepEqual([await stateOf(name), rollout.state], ['reported', 'finished']);
  });
}

test('what failed is not offered again, whatever the client does (its issue 158)', async () => {
  const updater = await Updater.of('rhu-loop');
  await rollOut(server.operator, server.releaseId, 'name:rhu-loop');
  const href = await link(updater, 'deploymentBase');
  const { id } = await lastAssignment(server.operator, 'rhu-loop');
  const fail = () => updater.feedback(href, String(id), 'closed', 'failure', 'Failed to install software bundle.');
  // 200 for the repetition too: anything else makes it install once more.
  assert.deepEqual([(await fail()).status, (await fail()).status], [200, 200]);
  const { _links } = await updater.poll();
  assert.equal(_links['deploymentBase'], undefined);
});
