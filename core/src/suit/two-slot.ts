/**
 * The manifest of an encrypted or plain image for a device with two slots (docs/formats/release-folder.md; templates of
 * draft-ietf-suit-manifest-37 §7 "compatibility check", "A/B image", and of draft-ietf-suit-firmware-encryption-24).
 *
 * Components: 0 `payload`, the download, which need not be stored; 1 `firmware`, in slots 0 and 1. One image suits both
 * slots. The shared sequence picks the slot and checks vendor and class; the security counter is checked at the start of
 * every section, because custom commands are barred from the shared sequence (§6.2).
 */
import { utf8 } from '../bytes/index.ts';
import { REPORTING, type SectionName } from './constants.ts';
import { SHA_256 } from './digest.ts';
import { SuitError } from './errors.ts';
import { classUuid, vendorUuid } from './identifiers.ts';
import type { Command, Manifest, Sequence, Severable } from './manifest.ts';
import { codingAs, encodeManifest, parseManifest } from './manifest-codec.ts';
import { type Parameters } from './parameters.ts';
import { encodeText, type SuitText } from './text.ts';
import { isPayloadName } from './uri.ts';
import { encodeVersion } from './version.ts';

export type TwoSlotInput = {
  readonly vendorDomain: string;
  readonly classInfo: string;
  readonly sequenceNumber: bigint;
  readonly securityCounter: bigint;
  /** Semantic version; see version.ts for what a manifest can hold. */
  readonly version: string;
  /** SHA-256 of the plaintext image. */
  readonly imageDigest: Uint8Array;
  readonly imageSizeBytes: number;
  /** File name of the payload as it is fetched, for example `hub.enc`. */
  readonly payloadName: string;
  /** COSE_Encrypt of `encryptInfo`; left out when the payload is the plain image. */
  readonly encryptionInfo?: Uint8Array;
  readonly text?: readonly SuitText[];
};

const PAYLOAD = 0;
const FIRMWARE = 1;
const COMPONENTS = [[utf8('payload')], [utf8('firmware')]];

function select(index: number): Command {
  return { kind: 'set-component-index', index };
}

function override(parameters: Parameters): Command {
  return { kind: 'override-parameters', parameters };
}

function slotBranch(componentSlot: number): Sequence {
  return [override({ componentSlot }), { kind: 'condition', name: 'component-slot', policy: REPORTING.slot }];
}

function sharedSequence(input: TwoSlotInput): Sequence {
  const vendorId = vendorUuid(input.vendorDomain);
  return [
    select(FIRMWARE),
    { kind: 'try-each', sequences: [slotBranch(0), slotBranch(1)], hasEmptyEnd: false },
    override({
      vendorId,
      classId: classUuid(vendorId, input.classInfo),
      imageDigest: { algorithm: SHA_256, bytes: input.imageDigest },
      imageSizeBytes: input.imageSizeBytes,
    }),
    { kind: 'condition', name: 'vendor-identifier', policy: REPORTING.all },
    { kind: 'condition', name: 'class-identifier', policy: REPORTING.all },
  ];
}

function section(input: TwoSlotInput, ...commands: Command[]): Severable<Sequence> {
  return {
    value: [
      select(FIRMWARE),
      override({ securityCounter: input.securityCounter }),
      { kind: 'condition', name: 'security-counter', policy: REPORTING.all },
      ...commands,
    ],
  };
}

const imageMatch: Command = { kind: 'condition', name: 'image-match', policy: REPORTING.all };

function installSection(input: TwoSlotInput): Severable<Sequence> {
  const { encryptionInfo } = input;
  return section(
    input,
    select(PAYLOAD),
    override({ uri: input.payloadName }),
    { kind: 'action', name: 'fetch', policy: REPORTING.onFailure },
    select(FIRMWARE),
    override({ sourceComponent: PAYLOAD, ...(encryptionInfo !== undefined && { encryptionInfo }) }),
    { kind: 'action', name: 'copy', policy: REPORTING.onFailure },
    imageMatch,
  );
}

/**
 * The bytes of a two-slot manifest, ready for `signEnvelope`.
 * @throws SuitError SUIT_VERSION_INVALID, SUIT_URI_UNSUPPORTED, SUIT_MANIFEST_MALFORMED
 */
export function buildTwoSlotManifest(input: TwoSlotInput): Uint8Array {
  if (!isPayloadName(input.payloadName)) throw new SuitError('SUIT_URI_UNSUPPORTED', { uri: input.payloadName });
  const sections = new Map<SectionName, Severable<Sequence>>([
    ['install', installSection(input)],
    ['validate', section(input, imageMatch)],
    ['invoke', section(input, { kind: 'action', name: 'invoke', policy: REPORTING.onFailure })],
  ]);
  const manifest: Manifest = {
    sequenceNumber: input.sequenceNumber,
    components: COMPONENTS,
    sharedSequence: sharedSequence(input),
    setVersion: encodeVersion(input.version),
    sections,
    ...(input.text !== undefined && { text: { value: encodeText(input.text) } }),
  };
  const bytes = codingAs('SUIT_MANIFEST_MALFORMED', () => encodeManifest(manifest));
  parseManifest(bytes);
  return bytes;
}
