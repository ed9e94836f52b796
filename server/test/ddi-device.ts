/** A scripted device: speaks DDI as the real clients do, byte for byte where it matters. For tests. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { exchange, type RawAnswer, type RawRequest } from './raw-http.ts';
import type { TestServer } from './running-server.ts';

export type Links = Readonly<Record<string, { readonly href: string } | undefined>>;
export type Poll = { readonly config: { readonly polling: { readonly sleep: string } }; readonly _links: Links };

export class ScriptedDevice {
  readonly base: string;
  readonly #headers: Readonly<Record<string, string>>;
  /** One connection for all requests, as the clients keep it. */
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

  constructor(url: string, controllerId: string, token: string, headers: Readonly<Record<string, string>> = {}) {
    this.base = `${url}/default/controller/v1/${controllerId}`;
    this.#headers = { authorization: `TargetToken ${token}`, accept: 'application/hal+json', ...headers };
  }

  /** `path` is absolute (a link) or follows the device's own base. */
  send(path: string, request: RawRequest = {}): Promise<RawAnswer> {
    const url = path.startsWith('http') ? path : `${this.base}${path}`;
    return exchange(url, { agent: this.#agent, ...request, headers: { ...this.#headers, ...request.headers } });
  }

  post(path: string, body: unknown, method = 'POST'): Promise<RawAnswer> {
    return this.send(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  }

  async poll(): Promise<Poll> {
    const answer = await this.send('');
    assert.equal(answer.status, 200, answer.text);
    // One client cannot read chunks, and wants the length.
    assert.equal(answer.headers['transfer-encoding'], undefined);
    assert.equal(answer.headers['content-length'], String(answer.body.length));
    return answer.json<Poll>();
  }

  /** The names of the links that a poll gives, and the one that is asked for. */
  async link(name: string): Promise<string> {
    const href = (await this.poll())._links[name]?.href;
    assert.ok(href !== undefined, `no link ${name}`);
    return href;
  }

  async linkNames(): Promise<string[]> {
    return Object.keys((await this.poll())._links).sort();
  }

  close(): void {
    this.#agent.destroy();
  }
}

export function feedback(execution: string, finished: string, more: object = {}): object {
  return { id: 17, time: '20260131T101112', status: { execution, result: { finished }, ...more } };
}

/** Adds a device of a foreign client and gives its script. */
export async function addDevice(server: TestServer, controllerId: string, line = 'gateway'): Promise<ScriptedDevice> {
  const { devices } = await server.operator.call('addDevices', {
    body: { devices: [{ controllerId, model: 'gw-1', line }] },
  });
  return new ScriptedDevice(server.url, controllerId, devices[0]?.token ?? '');
}
