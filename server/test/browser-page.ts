/** What a page of the server does in a browser: requests with origin, page header and cookie, and who joins by a claim. */
import { ok } from 'node:assert/strict';
import type { CreationOptions } from '@pawl/contract/management';
import { exchange, type RawAnswer, type RawRequest } from './raw-http.ts';
import type { TestServer } from './running-server.ts';
import { SoftAuthenticator } from './soft-authenticator.ts';

/** A browser on the sign-in page of a test server; it keeps its cookie. */
export class Page {
  readonly origin: string;
  readonly #url: string;
  cookie = '';

  constructor({ url }: Pick<TestServer, 'url'>, origin = url.replace('127.0.0.1', 'localhost')) {
    this.#url = url;
    this.origin = origin;
  }

  async send(path: string, request: RawRequest = {}): Promise<RawAnswer> {
    const answer = await exchange(`${this.#url}/api/v1${path}`, {
      ...request,
      headers: {
        'sec-fetch-site': 'same-origin',
        'x-pawl-page': '1',
        ...(request.method === undefined || request.method === 'GET' ? {} : { origin: this.origin }),
        ...(this.cookie === '' ? {} : { cookie: this.cookie }),
        ...request.headers,
      },
    });
    const set = answer.headers['set-cookie']?.[0];
    if (set !== undefined) this.cookie = set.split(';')[0]?.endsWith('=') === true ? '' : (set.split(';')[0] ?? '');
    return answer;
  }

  post(path: string, body: object = {}, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
    const sent = { 'content-type': 'application/json', ...headers };
    return this.send(path, { method: 'POST', body: JSON.stringify(body), headers: sent });
  }

  /** Uses a claim up with a passkey of a new authenticator. */
  async join(claim: string, name?: string): Promise<SoftAuthenticator> {
    const claimed = { claim, ...(name === undefined ? {} : { name }) };
    const options = (await this.post('/join/begin', claimed)).json<CreationOptions>();
    const authenticator = new SoftAuthenticator(this.origin);
    const credential = authenticator.create(options);
    const answer = await this.post('/join', { ...claimed, label: 'soft', credential });
    ok(answer.status === 200, answer.text);
    return authenticator;
  }

  async signIn(authenticator: SoftAuthenticator): Promise<RawAnswer> {
    const options = (await this.post('/sign-in/begin')).json<{ challenge: string }>();
    return this.post('/sign-in', { assertion: authenticator.get(options) });
  }
}
