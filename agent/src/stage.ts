/**
 * Step 5: the payload streams into the inactive slot, which is unusable in the journal from before the first byte until
 * the digest of the whole has matched. The manifest's install section says what is done; this is the platform under it.
 */
import { fromUtf8 } from '@pawl/core/bytes';
import { type ContentSecrets, openEncryptInfo } from '@pawl/core/cose';
import {
  type CopyRequest,
  classUuid,
  type FetchRequest,
  runSection,
  type SuitComponent,
  SuitError,
  type SuitPlatform,
  vendorUuid,
} from '@pawl/core/suit';
import { atStep, type Device, record } from './device.ts';
import { downloadFrom } from './download.ts';
import { AgentError } from './errors.ts';
import type { AcceptedOffer, ListedPayload } from './offer.ts';
import { PayloadStream } from './payload-stream.ts';
import { relieve } from './relief.ts';
import type { SlotWriter } from './slots/slots.ts';
import { SLOTS } from './state.ts';

const RECALL_BYTES = 512 * 1024;
const PROGRESS_BYTES_MIN = 16 * 1024;
const PROGRESS_STEPS = 100;
/** What a prefix that did not survive a power cut looks like in the end. */
const CONTENT_CODES: ReadonlySet<string> = new Set(['AGENT_PAYLOAD_DIGEST_MISMATCH', 'CRYPTO_AUTHENTICATION_FAILED']);

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

async function recall(writer: SlotWriter, stream: PayloadStream): Promise<void> {
  for (let position = 0; position < writer.sizeBytes; ) {
    const bytes = await writer.read(position, Math.min(RECALL_BYTES, writer.sizeBytes - position));
    stream.recall(bytes);
    position += bytes.length;
    relieve(bytes.length);
  }
}

class InstallPlatform implements SuitPlatform {
  readonly vendorId: Uint8Array;
  readonly classId: Uint8Array;
  readonly floor: bigint;
  readonly #device: Device;
  readonly #offer: AcceptedOffer;
  readonly #fetched = new Map<number, ListedPayload>();
  #mayResume: boolean;

  constructor(device: Device, offer: AcceptedOffer, mayResume: boolean) {
    this.#device = device;
    this.#offer = offer;
    this.#mayResume = mayResume;
    this.vendorId = vendorUuid(device.config.vendorDomain);
    this.classId = classUuid(this.vendorId, device.config.classInfo);
    this.floor = BigInt(device.journal.state.floor);
  }

  isComponentSupported(id: readonly Uint8Array[]): boolean {
    const [name] = id;
    return id.length === 1 && name !== undefined && ['payload', 'firmware'].includes(fromUtf8(name));
  }

  componentSlot(): number {
    return SLOTS.indexOf(this.#offer.slot);
  }

  // async: the port allows a platform that stores what it fetches. Here `copy` streams it.
  async fetch({ component, uri }: FetchRequest): Promise<void> {
    const payload = this.#offer.payloads.get(uri);
    if (payload === undefined) throw new AgentError('AGENT_OFFER_INCOMPLETE', { expected: uri });
    this.#fetched.set(component.index, payload);
  }

  async copy(request: CopyRequest): Promise<void> {
    const payload = this.#fetched.get(request.source.index);
    if (payload === undefined) throw new AgentError('AGENT_OFFER_INCOMPLETE', { expected: 'a fetched payload' });
    const secrets =
      request.encryptionInfo === undefined
        ? undefined
        : openEncryptInfo(request.encryptionInfo, { agreementKeys: [this.#device.lineKey], keks: [] });
    const keepBytes = this.#mayResume ? request.sizeBytes : 0;
    this.#mayResume = false;
    const recalledBytes = { count: 0 };
    try {
      await this.#stream(request, { payload, secrets, keepBytes, recalledBytes });
    } catch (error) {
      // What the slot held after a power cut was not what had been written: that is no fault of the release.
      if (recalledBytes.count === 0 || !CONTENT_CODES.has(codeOf(error))) throw error;
      await this.#stream(request, { payload, secrets, keepBytes: 0, recalledBytes });
    }
  }

  async #stream(
    request: CopyRequest,
    source: {
      readonly payload: ListedPayload;
      readonly secrets: ContentSecrets | undefined;
      readonly keepBytes: number;
      readonly recalledBytes: { count: number };
    },
  ): Promise<void> {
    const { slots, http, ports } = this.#device;
    const { target, url } = source.payload;
    const stream = new PayloadStream({
      secrets: source.secrets,
      imageSizeBytes: request.sizeBytes,
      imageDigest: request.digest,
      listedSizeBytes: target.sizeBytes,
      listedSha256: target.sha256,
    });
    const writer = await slots.openToWrite(this.#offer.slot, source.keepBytes);
    try {
      source.recalledBytes.count = writer.sizeBytes;
      await recall(writer, stream);
      const progress = this.#progress(request.sizeBytes);
      const offset = writer.sizeBytes;
      const { clock, signal } = ports;
      for await (const chunk of downloadFrom({ http, url, offset, sizeBytes: target.sizeBytes, clock, signal })) {
        await writer.write(stream.update(chunk));
        relieve(chunk.length);
        progress(writer.sizeBytes);
      }
      stream.finish();
      await writer.finish();
    } finally {
      await writer.close();
    }
  }

  #progress(of: number): (bytes: number) => void {
    const { emit } = this.#device.ports;
    const { assignmentId } = this.#offer;
    const stepBytes = Math.max(PROGRESS_BYTES_MIN, Math.floor(of / PROGRESS_STEPS));
    let next = 0;
    return (bytes) => {
      if (bytes < next && bytes < of) return;
      next = bytes + stepBytes;
      emit({ event: 'progress', assignmentId, bytes, of });
    };
  }

  /** Known, so that the invoke section is; but an image is started by the trial alone, after it was staged. */
  async invoke(): Promise<void> {
    throw new SuitError('SUIT_COMMAND_UNSUPPORTED', { command: 'invoke', at: 'install' });
  }

  /** Read back from the slot: what counts is what stands there. */
  async digestOf(
    _component: SuitComponent,
    _slot: number,
    algorithm: number,
  ): Promise<{ readonly digest: Uint8Array; readonly sizeBytes: number }> {
    return this.#device.slots.digestOf(this.#offer.slot, algorithm);
  }
}

/** Whether the inactive slot holds the beginning of this very release. */
function canResume({ journal }: Device, { release, slot }: AcceptedOffer): boolean {
  const { pending } = journal.state;
  return (
    pending?.phase === 'downloading' &&
    pending.slot === slot &&
    pending.release.envelopeSha256 === release.envelopeSha256
  );
}

/**
 * Brings the image of an accepted offer into the inactive slot.
 * @throws Refusal at step 5; AgentError AGENT_SERVER_UNREACHABLE and the like when it may go on later
 */
export async function stageOffer(device: Device, offer: AcceptedOffer): Promise<void> {
  const { assignmentId, release, slot } = offer;
  const mayResume = canResume(device, offer);
  const fields = { assignmentId, version: release.version, release, slot };
  if (!mayResume || device.journal.state.pending?.assignmentId !== assignmentId) {
    await record(device, { kind: 'begun', assignmentId, release, slot }, { ...fields, state: 'downloading' });
    await device.reporter.tryFlush(device.ports.signal);
  }
  const platform = new InstallPlatform(device, offer, mayResume);
  await atStep(5, async () => {
    await runSection(offer.manifest, 'install', platform);
    // SUIT manifest, validate: what the author asks of the image before it may be started. The trial reads the slot once
    // more, because it may begin after a restart.
    if (offer.manifest.hasSection('validate')) await runSection(offer.manifest, 'validate', platform);
  });
  await record(device, { kind: 'reported' }, { ...fields, state: 'verified' });
  await record(device, { kind: 'staged' }, { ...fields, state: 'staged' });
}
