/** A device with a key of its own: enrols with a claim and signs reports, as Pawl's agent does. For tests. */
import { createPrivateKey } from 'node:crypto';
import { type DeviceReport, type EnrolResponse, enrolProofText } from '@pawl/contract/device';
import { toBase64, utf8 } from '@pawl/core/bytes';
import { PrivateKey } from '@pawl/core/crypto';
import { encodeEnvelope, newStatement, type Statement, signStatement } from '@pawl/core/evidence';
import { ScriptedDevice } from './ddi-device.ts';
import { exchange, type RawAnswer } from './raw-http.ts';
import type { TestServer } from './running-server.ts';

export function keyFromPem(pem: string): PrivateKey {
  return PrivateKey.fromPkcs8(new Uint8Array(createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' })));
}

export async function newClaim(server: TestServer, controllerId: string): Promise<string> {
  const body = { controllerId, model: 'hub', line: 'gateway' };
  return (await server.operator.call('createClaim', { body })).claim;
}

/** The request of a device that holds the key; `proofBy` and `proofClaim` make it a false one. */
export async function enrolBody(
  claim: string,
  key: PrivateKey,
  lie: { readonly proofBy?: PrivateKey; readonly proofClaim?: string } = {},
): Promise<{ claim: string; publicKey: string; proof: string }> {
  const publicKey = key.publicKey.toSpkiPem();
  const text = enrolProofText(lie.proofClaim ?? claim, publicKey);
  return { claim, publicKey, proof: toBase64(await (lie.proofBy ?? key).sign(utf8(text))) };
}

export function postEnrol(server: TestServer, body: unknown, tenant = 'default'): Promise<RawAnswer> {
  return exchange(`${server.url}/${tenant}/pawl/v1/enrol`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

export type PawlDevice = { readonly script: ScriptedDevice; readonly key: PrivateKey; readonly token: string };

export async function enrolDevice(
  server: TestServer,
  controllerId: string,
  key: PrivateKey = PrivateKey.generate('ESP256'),
): Promise<PawlDevice> {
  const answer = await postEnrol(server, await enrolBody(await newClaim(server, controllerId), key));
  if (answer.status !== 200) throw new Error(answer.text);
  const { token } = answer.json<EnrolResponse>();
  return { script: new ScriptedDevice(server.url, controllerId, token), key, token };
}

/** A report as it goes over the wire. */
export async function signReport(
  key: PrivateKey,
  report: DeviceReport,
  parts: Partial<Statement> = {},
): Promise<Uint8Array> {
  const statement = newStatement({
    predicateType: 'urn:pawl:device-report:1',
    subject: [{ name: 'device/hub', digest: { sha256: 'ab'.repeat(32) } }],
    // Without members that are undefined, as JSON writes it.
    predicate: JSON.parse(JSON.stringify(report)) as Statement['predicate'],
    ...parts,
  });
  return encodeEnvelope(await signStatement(statement, key));
}
