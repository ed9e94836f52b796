/**
 * Zephyr's hawkBit client, replayed: its requests byte for byte over one connection, its buffers, and how it takes ids and
 * paths out of links. A limit of the client is a constant here, under the client's name.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type DdiServer, startDdiServer } from './ddi-server.ts';
import { RawConnection, type RawReply } from './raw-connection.ts';
import { lastAssignment, rollOut } from './running-server.ts';

const RESPONSE_BUFFER_SIZE = 1100;
const RECV_BUFFER_SIZE = 640;
const DOWNLOAD_HTTP_SIZE = 200;
/** For `deploymentBase/…` and for `cancelAction/…`. */
const BASE_SIZE = 50;
const SLEEP_LENGTH = 8;
const TYPE = 'application/json;charset=UTF-8';

let server: DdiServer;
before(async () => {
  server = await startDdiServer();
});
after(() => server.close());

class ZephyrDevice {
  readonly name: string;
  readonly tenant: string;
  readonly connection = new RawConnection(server.url);
  readonly #authorization: string;

  constructor(name: string, token: string, tenant: string) {
    this.name = name;
    this.tenant = tenant;
    this.#authorization = `Authorization: TargetToken ${token}\r\n`;
  }

  static async of(serial: string, tenant = 'default'): Promise<ZephyrDevice> {
    const name = `frdm_k64f-${serial}`;
    const body = { devices: [{ controllerId: name, model: 'k64f', line: 'gateway' }] };
    const { devices } = await server.operator.call('addDevices', { body });
    return new ZephyrDevice(name, devices[0]?.token ?? '', tenant);
  }

  /** The path that it builds: tenant, its own name, and what follows. */
  path(more = ''): string {
    return `/${this.tenant}/controller/v1/${this.name}${more}`;
  }

  /** As the HTTP client of Zephyr writes it: host, optional headers, type, length. */
  async send(method: string, path: string, body?: object, range?: string): Promise<RawReply> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const more = body === undefined ? '' : `Content-Type: ${TYPE}\r\nContent-Length: ${text.length}\r\n`;
    const resume = range === undefined ? '' : `Range: bytes=${range}\r\n`;
    const host = new URL(server.url).hostname;
    const head = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${this.#authorization}${resume}${more}\r\n`;
    const reply = await this.connection.exchange(head + text);
    assert.equal(this.connection.left, 0, 'nothing follows the answer');
    const names = reply.headerLines.map((line) => line.split(':', 1)[0]?.toLowerCase());
    assert.ok(!names.includes('transfer-encoding'), 'it cannot read chunks');
    assert.equal(names.filter((one) => one === 'content-length').length, 1);
    assert.ok(reply.headerLines.join('\r\n').length < RECV_BUFFER_SIZE, 'the head fits what it receives at once');
    return reply;
  }

  async poll(): Promise<Links> {
    const { status, body } = await this.send('GET', this.path());
    assert.equal(status, 200);
    assert.ok(body.length < RESPONSE_BUFFER_SIZE, `a poll of ${body.length} bytes`);
    const { config, _links } = JSON.parse(body.toString()) as {
      config: { polling: { sleep: string } };
      _links: Links;
    };
    assert.equal(config.polling.sleep.length, SLEEP_LENGTH);
    return _links;
  }

  close(): void {
    this.connection.close();
  }
}

type Links = Partial<Record<string, { readonly href: string }>>;

/** `strstr`: from the word to the end of the link; that is what it appends to its own path. */
function cutFrom(href: string | undefined, word: string): string {
  const at = href?.indexOf(`${word}/`) ?? -1;
  assert.ok(href !== undefined && at >= 0, `${word} in ${href ?? 'no link'}`);
  return href.slice(at);
}

const SUCCESS = { status: { execution: 'closed', result: { finished: 'success' } } };
const CONFIG = { mode: 'merge', data: { VIN: '0123456789abcdef' } };

test('the whole loop on one connection: attributes, deployment, download in pieces, success', async (t) => {
  const device = await ZephyrDevice.of('0123456789abcdef');
  t.after(() => device.close());
  await rollOut(server.operator, server.releaseId, `name:${device.name}`);
  assert.ok((await device.poll())['configData'] !== undefined);
  // It asks again at once: the link must be gone, or it goes round and round.
  assert.equal((await device.send('PUT', device.path('/configData'), CONFIG)).status, 200);
  const links = await device.poll();
  assert.deepEqual(Object.keys(links), ['deploymentBase']);
  const base = cutFrom(links['deploymentBase']?.href, 'deploymentBase');
  assert.ok(base.length < BASE_SIZE, base);

  const reply = await device.send('GET', device.path(`/${base}`));
  assert.deepEqual([reply.status, reply.body.length < RESPONSE_BUFFER_SIZE], [200, true]);
  const { id, deployment } = JSON.parse(reply.body.toString()) as {
    id: string;
    deployment: {
      chunks: { part: string; artifacts: { hashes: { sha256: string }; size: number; _links: Links }[] }[];
    };
  };
  const [chunk] = deployment.chunks;
  const [artifact] = chunk?.artifacts ?? [];
  assert.deepEqual([deployment.chunks.length, chunk?.part, chunk?.artifacts.length], [1, 'bApp', 1]);
  assert.match(artifact?.hashes.sha256 ?? '', /^[0-9a-f]{64}$/);
  assert.equal(artifact?.size, server.swu.length);
  const path = cutFrom(artifact._links['download-http']?.href, '/default/controller');
  assert.ok(path.length < DOWNLOAD_HTTP_SIZE, path);
  const file = await device.send('GET', path);
  assert.ok(file.body.equals(server.swu));

  const feedback = device.path(`/deploymentBase/${id}/feedback`);
  assert.equal((await device.send('POST', feedback, SUCCESS)).status, 200);
  assert.equal((await lastAssignment(server.operator, device.name)).state, 'reported');
  // After its restart it may say so once more.
  assert.equal((await device.send('POST', feedback, SUCCESS)).status, 200);
  assert.ok(!('deploymentBase' in (await device.poll())));
});

test('a client of old finds /DEFAULT/controller/v1 in the link, as it is built in', async (t) => {
  const device = await ZephyrDevice.of('old', 'DEFAULT');
  t.after(() => device.close());
  await rollOut(server.operator, server.releaseId, `name:${device.name}`);
  const base = cutFrom((await device.poll())['deploymentBase']?.href, 'deploymentBase');
  const { body } = await device.send('GET', device.path(`/${base}`));
  assert.match(body.toString(), /"download-http":\{"href":"[^"]+\/DEFAULT\/controller\/v1\//);
});

test('cancelling: the id is never zero, with or without its first digit, and the answer ends it at once', async (t) => {
  const device = await ZephyrDevice.of('cancel');
  t.after(() => device.close());
  await device.send('PUT', device.path('/configData'), CONFIG);
  await rollOut(server.operator, server.releaseId, `name:${device.name}`);
  const { id } = await lastAssignment(server.operator, device.name);
  await server.operator.call('cancelAssignment', { params: { id }, body: {} });
  const links = await device.poll();
  assert.deepEqual(Object.keys(links), ['cancelAction'], 'one thing at a time');
  const base = cutFrom(links['cancelAction']?.href, 'cancelAction');
  assert.ok(base.length < BASE_SIZE, base);
  const digits = base.slice('cancelAction/'.length);
  // `sizeof("cancelAction/")` counts the closing zero byte: newer clients lose the first digit.
  assert.ok(Number.parseInt(digits, 10) > 0 && Number.parseInt(digits.slice(1), 10) > 0, digits);
  assert.equal((await device.send('POST', device.path(`/${base}/feedback`), SUCCESS)).status, 200);
  assert.equal((await lastAssignment(server.operator, device.name)).state, 'cancelled');
  assert.deepEqual(await device.poll(), {});
});

test('a rollout that needs consent shows it no link that it would misread', async (t) => {
  const device = await ZephyrDevice.of('consent');
  t.after(() => device.close());
  await device.send('PUT', device.path('/configData'), CONFIG);
  await rollOut(server.operator, server.releaseId, `name:${device.name}`, { needsConsent: true });
  const links = await device.poll();
  assert.deepEqual([links['deploymentBase'], links['cancelAction']], [undefined, undefined]);
});

test('a download that stopped is taken up by Range, with the length of what is left', async (t) => {
  const device = await ZephyrDevice.of('resume');
  t.after(() => device.close());
  await rollOut(server.operator, server.releaseId, `name:${device.name}`);
  const path = device.path(`/softwaremodules/${server.releaseId}/artifacts/gateway-1.2.0.swu`);
  const host = new URL(server.url).hostname;
  const unauthorised = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nRange: bytes=4096-\r\n\r\n`;
  assert.equal((await device.connection.exchange(unauthorised)).status, 401);
  const rest = await device.send('GET', path, undefined, '4096-');
  assert.equal(rest.status, 206);
  assert.ok(rest.body.equals(server.swu.subarray(4096)));
});
