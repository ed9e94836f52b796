/**
 * Steps 1 to 4 of an offer: is it trusted, listed, authentic, and for this device and forward? Nothing on the device but
 * its copy of the trust metadata changes here. What comes out holds only what was verified.
 */
import type { DdiDeploymentBase } from '@pawl/contract/device';
import { isEqualBytes, toHex } from '@pawl/core/bytes';
import { sha256 } from '@pawl/core/crypto';
import { assertNotTestKey } from '@pawl/core/keys';
import {
  classUuid,
  describeManifest,
  isPayloadName,
  type ManifestDescription,
  type VerifiedManifest,
  vendorUuid,
  verifyEnvelope,
} from '@pawl/core/suit';
import {
  type FoundTarget,
  lineKeysPath,
  parseLineKeys,
  parseReleaseCustom,
  type ReleaseCustom,
  TrustError,
  type TrustedMetadata,
  verifyTargetBytes,
} from '@pawl/core/trust';
import { atStep, type Device } from './device.ts';
import { AgentError } from './errors.ts';
import { otherSlot, type Release, type SlotName } from './state.ts';
import { fetchFile, refreshDeviceTrust } from './trust.ts';

export type Offer = {
  readonly assignmentId: string;
  readonly version: string;
  /** Where the server says that the files of the release are. */
  readonly links: ReadonlyMap<string, string>;
};

export type ListedPayload = { readonly target: FoundTarget; readonly url: URL };

/** An offer that passed steps 1 to 4. */
export type AcceptedOffer = {
  readonly assignmentId: string;
  readonly release: Release;
  readonly manifest: VerifiedManifest;
  readonly description: ManifestDescription;
  readonly payloads: ReadonlyMap<string, ListedPayload>;
  readonly slot: SlotName;
};

const ENVELOPE = 'envelope.suit';
const ENVELOPE_BYTES_MAX = 1024 * 1024;
const VERSION = /^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$/;

/** What a deployment offers to this line; an empty version when it offers nothing that can be looked up. */
export function readOffer({ id, deployment }: DdiDeploymentBase, line: string): Offer {
  const chunk = deployment.chunks.find(({ name }) => name === line) ?? deployment.chunks[0];
  const links = new Map<string, string>();
  for (const { filename, _links } of chunk?.artifacts ?? []) {
    const href = _links.download?.href ?? _links['download-http']?.href;
    if (href !== undefined) links.set(filename, href);
  }
  return { assignmentId: id, version: chunk?.version ?? '', links };
}

function requireLink(device: Device, offer: Offer, name: string): URL {
  const href = offer.links.get(name);
  if (href === undefined) throw new AgentError('AGENT_OFFER_INCOMPLETE', { expected: name });
  return device.http.resolve(href);
}

function pathOf(line: string, version: string, name: string): string {
  return `${line}/${version}/${name}`;
}

async function refresh(device: Device, offer: Offer, trustHref: string | undefined): Promise<TrustedMetadata> {
  const { line } = device.config;
  if (trustHref === undefined) throw new AgentError('AGENT_OFFER_INCOMPLETE', { expected: 'a link to the trust' });
  if (!VERSION.test(offer.version)) {
    throw new AgentError('AGENT_OFFER_INCOMPLETE', { expected: 'a version', actual: offer.version });
  }
  return refreshDeviceTrust(device, trustHref, [lineKeysPath(line), pathOf(line, offer.version, ENVELOPE)]);
}

async function fetchTarget(device: Device, target: FoundTarget, url: URL): Promise<Uint8Array> {
  if (target.sizeBytes > ENVELOPE_BYTES_MAX) {
    throw new TrustError('TRUST_LENGTH_EXCEEDED', { name: target.path, allowed: ENVELOPE_BYTES_MAX });
  }
  const bytes = await fetchFile(device, { url, name: target.path, sizeBytesMax: target.sizeBytes });
  if (bytes === undefined) throw new AgentError('AGENT_OFFER_INCOMPLETE', { expected: target.path });
  verifyTargetBytes(target, bytes);
  return bytes;
}

/** The key list is fetched under the name that TUF gives it with consistent snapshots: its digest first. */
async function loadLineKeys(
  device: Device,
  trusted: TrustedMetadata,
  trustHref: string,
): Promise<ReturnType<typeof parseLineKeys>> {
  const { line } = device.config;
  const target = trusted.requireTarget(lineKeysPath(line));
  const url = new URL(`${toHex(target.sha256)}.${line}.cbor`, device.http.resolve(trustHref));
  const lineKeys = parseLineKeys(await fetchTarget(device, target, url), line);
  // A published test key signs for everybody who can read.
  if (device.config.profile !== 'development') for (const key of lineKeys.keys) assertNotTestKey(key);
  return lineKeys;
}

/** Step 2, second half: what the release role signed must be what the manifest says. */
function verifyAgreement(listed: ReleaseCustom, manifest: ManifestDescription, offered: string): void {
  const pairs = [
    ['offered version', offered, listed.version],
    ['version', listed.version, manifest.version],
    ['sequenceNumber', listed.sequenceNumber, manifest.sequenceNumber],
    ['securityCounter', listed.securityCounter, manifest.securityCounter],
  ] as const;
  for (const [at, expected, actual] of pairs) {
    if (expected !== actual) throw new AgentError('AGENT_LISTING_DISAGREES', { at, expected, actual });
  }
}

function listPayloads(
  device: Device,
  offer: Offer,
  trusted: TrustedMetadata,
  description: ManifestDescription,
): Map<string, ListedPayload> {
  return new Map(
    description.payloads.map(({ uri }) => {
      // An integrated payload would make the envelope as large as the image.
      if (!isPayloadName(uri)) throw new AgentError('AGENT_OFFER_INCOMPLETE', { expected: 'a payload by name' });
      const target = trusted.requireTarget(pathOf(device.config.line, offer.version, uri));
      return [uri, { target, url: requireLink(device, offer, uri) }] as const;
    }),
  );
}

/** Step 4: for me, and forward. */
async function verifyForMe(device: Device, description: ManifestDescription, slot: SlotName): Promise<void> {
  const { config, journal, slots } = device;
  const vendorId = vendorUuid(config.vendorDomain);
  const isMine =
    isEqualBytes(description.vendorId, vendorId) &&
    isEqualBytes(description.classId, classUuid(vendorId, config.classInfo));
  if (!isMine) throw new AgentError('AGENT_MODEL_MISMATCH', { expected: config.classInfo });
  const { floor, installed } = journal.state;
  if (description.securityCounter < BigInt(floor)) {
    throw new AgentError('AGENT_SECURITY_COUNTER_TOO_LOW', { expected: floor, actual: description.securityCounter });
  }
  if (description.sequenceNumber < BigInt(installed.sequenceNumber)) {
    throw new AgentError('AGENT_SEQUENCE_TOO_OLD', {
      expected: installed.sequenceNumber,
      actual: description.sequenceNumber,
    });
  }
  const capacity = await slots.capacityBytes(slot);
  if (description.imageSizeBytes > capacity) {
    throw new AgentError('AGENT_SPACE_INSUFFICIENT', { expected: description.imageSizeBytes, actual: capacity });
  }
}

/**
 * Takes an offer through steps 1 to 4.
 * @throws Refusal with the step; AgentError AGENT_SERVER_UNREACHABLE and the like when nothing can be said yet
 */
export async function examineOffer(
  device: Device,
  offer: Offer,
  trustHref: string | undefined,
): Promise<AcceptedOffer> {
  const { line } = device.config;
  const trusted = await atStep(1, () => refresh(device, offer, trustHref));
  const { envelope, custom } = await atStep(2, async () => {
    const target = trusted.requireTarget(pathOf(line, offer.version, ENVELOPE));
    const listed = parseReleaseCustom(target.custom);
    return { envelope: await fetchTarget(device, target, requireLink(device, offer, ENVELOPE)), custom: listed };
  });
  const { manifest, description } = await atStep(3, async () => {
    const { keys, requiredAlgorithms } = await loadLineKeys(device, trusted, trustHref ?? '');
    const verified = verifyEnvelope(envelope, { keys, requiredAlgorithms });
    return { manifest: verified, description: describeManifest(verified) };
  });
  const payloads = await atStep(2, () => {
    verifyAgreement(custom, description, offer.version);
    return listPayloads(device, offer, trusted, description);
  });
  const slot = otherSlot(device.journal.state.activeSlot);
  await atStep(4, () => verifyForMe(device, description, slot));
  const release: Release = {
    version: description.version,
    sequenceNumber: description.sequenceNumber.toString(),
    securityCounter: description.securityCounter.toString(),
    envelopeSha256: toHex(sha256(envelope)),
    imageSha256: toHex(description.imageDigest),
    imageSizeBytes: description.imageSizeBytes,
  };
  return { assignmentId: offer.assignmentId, release, manifest, description, payloads, slot };
}
