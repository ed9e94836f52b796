/**
 * An introduction: the device proves that it holds its key over everything that it says, for this very tenant. Answered with
 * its name when it is in, else with how long to wait. Keys that are new are counted by source.
 */
import { X509Certificate } from 'node:crypto';
import { type IntroductionRequest, type IntroductionResponse, introductionText } from '@pawl/contract/device';
import { fromBase64, fromHex, utf8 } from '@pawl/core/bytes';
import { keyIdOf } from '@pawl/core/cose';
import { PublicKey } from '@pawl/core/crypto';
import { introduce as introduceDevice, type ProvenIntroduction } from '../../acts/enrolment/introduction.ts';
import { findTenantId } from '../../store/mender.ts';
import { sourceKey } from '../rate-limit.ts';
import { assertOwnKey } from './enrol.ts';
import { DeviceApiError } from './errors.ts';
import type { DevicePorts } from './ports.ts';
import type { Handler } from './request.ts';

const ASK_AGAIN_S = 60;

/** @throws DeviceApiError DEVICE_BODY_MALFORMED, DEVICE_INTRODUCTION_REFUSED */
function provenKey(tenant: string, body: IntroductionRequest): PublicKey {
  const { proof, ...said } = body;
  let key: PublicKey;
  let signature: Uint8Array;
  try {
    key = PublicKey.fromSpki(body.publicKey);
    signature = fromBase64(proof);
  } catch (cause) {
    throw new DeviceApiError('DEVICE_BODY_MALFORMED', { at: 'publicKey or proof' }, cause);
  }
  try {
    key.verify(utf8(introductionText(tenant, said)), signature);
  } catch (cause) {
    throw new DeviceApiError('DEVICE_INTRODUCTION_REFUSED', { actual: 'a proof that does not verify' }, cause);
  }
  assertOwnKey(key);
  return key;
}

/** @throws DeviceApiError DEVICE_BODY_MALFORMED, DEVICE_CERTIFICATE_KEY_DIFFERS */
function certificateOf(pem: string | undefined, keyId: string): X509Certificate | undefined {
  if (pem === undefined) return undefined;
  let certificate: X509Certificate;
  let certified: string;
  try {
    certificate = new X509Certificate(pem);
    certified = keyIdOf(PublicKey.fromKeyObject(certificate.publicKey));
  } catch (cause) {
    throw new DeviceApiError('DEVICE_BODY_MALFORMED', { at: 'certificate' }, cause);
  }
  if (certified !== keyId) throw new DeviceApiError('DEVICE_CERTIFICATE_KEY_DIFFERS', { at: 'certificate' });
  return certificate;
}

/** @throws DeviceApiError DEVICE_INTRODUCTIONS_TOO_MANY */
function countNew(ports: DevicePorts, source: string): void {
  const nowMs = ports.now().getTime();
  const waitS = ports.introductions.waitS(sourceKey(source), nowMs);
  if (waitS > 0) throw new DeviceApiError('DEVICE_INTRODUCTIONS_TOO_MANY', { retryAfterS: waitS });
  ports.introductions.count(sourceKey(source), nowMs);
}

export const introduce: Handler<'introduce'> = async ({ body, tenant, source }, ports) => {
  const key = provenKey(tenant, body);
  const keyId = keyIdOf(key);
  const certificate = certificateOf(body.certificate, keyId);
  const tenantId = await findTenantId(ports.database.read, tenant);
  if (tenantId === undefined) throw new DeviceApiError('DEVICE_INTRODUCTION_REFUSED', { actual: 'an unknown tenant' });
  const asked: ProvenIntroduction = {
    tenantId,
    keyId,
    publicKeyPem: key.toSpkiPem(),
    name: body.name,
    attributes: body.attributes ?? {},
    tokenSha256: fromHex(body.tokenSha256),
    certificate,
  };
  const answer = await introduceDevice(ports, asked, () => countNew(ports, source));
  if (answer.kind === 'refused') throw new DeviceApiError(answer.code, { reason: answer.reason });
  if (answer.kind === 'full') throw new DeviceApiError('DEVICE_INTRODUCTIONS_TOO_MANY', { retryAfterS: ASK_AGAIN_S });
  if (answer.kind === 'rejected') throw new DeviceApiError('DEVICE_INTRODUCTION_REFUSED');
  const document: IntroductionResponse =
    answer.kind === 'pending'
      ? { state: 'pending', askAgainS: ASK_AGAIN_S }
      : { state: 'enrolled', controllerId: answer.controllerId, pollIntervalS: ports.pollIntervalS };
  return { kind: 'document', document };
};
