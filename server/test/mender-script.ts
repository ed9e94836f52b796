/** A scripted Mender client: signs its requests as the real ones do, and shows every byte of the exchange. For tests. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { MenderDeployment } from '@pawl/contract/mender';
import { exchange, type RawAnswer } from './raw-http.ts';
import type { TestServer } from './running-server.ts';

export type ScriptKey = { readonly privateKey: KeyObject; readonly publicKeyPem: string };

export function makeScriptKey(kind: 'rsa' | 'ec' | 'ed25519' | 'rsa1024'): ScriptKey {
  const { privateKey, publicKey } =
    kind === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : kind === 'ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: kind === 'rsa' ? 2048 : 1024 });
  return { privateKey, publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

/** RSA PKCS #1 v1.5 or ECDSA (DER) with SHA-256; Ed25519 over the body itself. */
export function signBody(body: string, { privateKey }: ScriptKey): string {
  const digest = privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  return sign(digest, Buffer.from(body), privateKey).toString('base64');
}

const DEPLOYMENTS = 'deployments/device/deployments';

export class MenderScript {
  readonly url: string;
  readonly key: ScriptKey;
  readonly #idData: string;
  token = '';

  constructor(url: string, idData: string, key: ScriptKey = makeScriptKey('ed25519')) {
    this.url = url;
    this.key = key;
    this.#idData = idData;
  }

  authBody(more: object = {}): string {
    return JSON.stringify({ id_data: this.#idData, pubkey: this.key.publicKeyPem, ...more });
  }

  async authenticate(body: string = this.authBody(), signature: string = signBody(body, this.key)): Promise<RawAnswer> {
    const headers = { 'content-type': 'application/json', 'x-men-signature': signature, authorization: 'Bearer ' };
    const path = '/api/devices/v1/authentication/auth_requests';
    const answer = await exchange(`${this.url}${path}`, { method: 'POST', headers, body });
    if (answer.status === 200) this.token = answer.text;
    return answer;
  }

  send(method: string, path: string, body?: unknown): Promise<RawAnswer> {
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' };
    const url = `${this.url}/api/devices/${path}`;
    return exchange(url, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  }

  next(provides: object = { artifact_name: 'release-1', device_type: 'gw-1' }): Promise<RawAnswer> {
    return this.send('POST', `v2/${DEPLOYMENTS}/next`, { device_provides: provides, update_control_map: true });
  }

  nextFlat(provides: object): Promise<RawAnswer> {
    return this.send('POST', `v1/${DEPLOYMENTS}/next`, provides);
  }

  nextQuery(provides: Readonly<Record<string, string>>): Promise<RawAnswer> {
    return this.send('GET', `v1/${DEPLOYMENTS}/next?${new URLSearchParams(provides).toString()}`);
  }

  async offered(): Promise<MenderDeployment> {
    return (await this.next()).json<MenderDeployment>();
  }

  async status(id: string | number, status: string, substate?: string): Promise<number> {
    return (await this.send('PUT', `v1/${DEPLOYMENTS}/${id}/status`, { status, substate })).status;
  }

  log(id: string | number, messages: readonly object[]): Promise<RawAnswer> {
    return this.send('PUT', `v1/${DEPLOYMENTS}/${id}/log`, { messages });
  }

  inventory(method: 'PUT' | 'PATCH', attributes: readonly object[]): Promise<RawAnswer> {
    return this.send(method, 'v1/inventory/device/attributes', attributes);
  }
}

/** A client that is let in before it asks. */
export async function preauthorised(server: TestServer, controllerId: string, line = 'gateway'): Promise<MenderScript> {
  const identity = { serial: controllerId };
  const script = new MenderScript(server.url, JSON.stringify(identity));
  const body = { controllerId, model: 'gw', line, identity, publicKey: script.key.publicKeyPem };
  await server.operator.call('preauthoriseMender', { body });
  await script.authenticate();
  return script;
}
