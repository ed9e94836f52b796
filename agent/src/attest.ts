/**
 * Attestation: when the server asks, the bytes of the slot that boots are read and hashed anew – no remembered digest is
 * ever signed – and signed with the device key for the server's nonce (docs/formats/attestation.md).
 *
 * Nothing is kept: after a cut the server still asks, with a new nonce. A server that is away, or a slot that cannot be
 * read, is noted and never holds up an update.
 */
import { type AttestationVerdict, DEVICE_OPERATIONS } from '@pawl/contract/device';
import { EVIDENCE_MEDIA_TYPE, signEvidence } from '@pawl/core/attest';
import { fromBase64Url, fromUtf8, isCodedError } from '@pawl/core/bytes';
import type { Device } from './device.ts';
import { AgentError } from './errors.ts';
import { getDocument } from './server-documents.ts';
import type { SlotName } from './state.ts';

const SHA_256 = -16;
const ANSWER_BYTES_MAX = 16 * 1024;

type Measured = { readonly slot: SlotName; readonly digest: Uint8Array };

/** Of what boots, not of what should. @throws AgentError AGENT_SLOT_UNREADABLE */
async function measure({ slots }: Device): Promise<Measured> {
  const slot = await slots.current();
  if (slot === undefined) throw new AgentError('AGENT_SLOT_UNREADABLE');
  try {
    return { slot, digest: (await slots.digestOf(slot, SHA_256)).digest };
  } catch (cause) {
    throw new AgentError('AGENT_SLOT_UNREADABLE', { slot }, cause);
  }
}

/** @throws AgentError AGENT_NONCE_REFUSED, AGENT_SLOT_UNREADABLE */
async function makeEvidence(device: Device, nonceText: string): Promise<{ slot: SlotName; evidence: Uint8Array }> {
  const { installed, floor } = device.journal.state;
  const { slot, digest } = await measure(device);
  try {
    const claims = {
      nonce: fromBase64Url(nonceText),
      version: installed.version,
      imageDigest: digest,
      sequenceNumber: BigInt(installed.sequenceNumber),
      securityFloor: BigInt(floor),
    };
    return { slot, evidence: await signEvidence(claims, device.signer) };
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw new AgentError('AGENT_NONCE_REFUSED', { reason: cause.code }, cause);
  }
}

async function handIn({ http, ports }: Device, href: string, evidence: Uint8Array): Promise<AttestationVerdict> {
  const headers = { 'content-type': EVIDENCE_MEDIA_TYPE, accept: 'application/json' };
  const request = { method: 'POST' as const, url: http.resolve(href), headers, body: evidence, signal: ports.signal };
  const { status, body } = await http.request(request, ANSWER_BYTES_MAX);
  if (status !== 200) throw new AgentError('AGENT_SERVER_REFUSED', { status, at: 'attest' });
  try {
    return DEVICE_OPERATIONS.postEvidence.response.parse(JSON.parse(fromUtf8(body)));
  } catch (cause) {
    throw new AgentError('AGENT_ANSWER_MALFORMED', { at: 'postEvidence' }, cause);
  }
}

/** Errors after which the server asks again in a later round, if it still wants to know. */
const NOTED: ReadonlySet<string> = new Set([
  'AGENT_SERVER_UNREACHABLE',
  'AGENT_SERVER_REFUSED',
  'AGENT_ANSWER_MALFORMED',
  'AGENT_LINK_FOREIGN',
  'AGENT_NONCE_REFUSED',
  'AGENT_SLOT_UNREADABLE',
]);

/** Attests what runs to the server that asks; what hinders it is noted. */
export async function attest(device: Device, href: string): Promise<void> {
  const { http, ports } = device;
  try {
    const { nonce } = await getDocument(http, 'getAttestationChallenge', href, ports.signal);
    const { slot, evidence } = await makeEvidence(device, nonce);
    const { verdict, reasons } = await handIn(device, href, evidence);
    ports.emit({ event: 'attested', slot, verdict, reasons });
  } catch (error) {
    if (!isCodedError(error) || !NOTED.has(error.code)) throw error;
    ports.emit({ event: 'note', code: error.code, message: error.message });
  }
}
