/**
 * Test material for the tests of this folder: manifests written as raw CBOR (so that wrong ones can be made), envelopes
 * signed without any check, and a platform in memory. Holds no tests of its own.
 */
import { fromUtf8, utf8 } from '../bytes/index.ts';
import { type CborValue, encodeCbor } from '../cbor/index.ts';
import { openEncryptInfo, signSign1 } from '../cose/index.ts';
import { type AgreementKey, createAeadDecryptor, newHash, PrivateKey, type Signer, sha256 } from '../crypto/index.ts';
import { digestOfMember, encodeDigest } from './digest.ts';
import { encodeEnvelope, type UntrustedEnvelope } from './envelope.ts';
import { classUuid, vendorUuid } from './identifiers.ts';
import type {
  CopyRequest,
  FetchRequest,
  InvokeRequest,
  SuitComponent,
  SuitPlatform,
  WriteRequest,
} from './platform.ts';
import { type VerifiedManifest, verifyEnvelope } from './verified-manifest.ts';

export const VENDOR_DOMAIN = 'vendor.example';
export const CLASS_INFO = 'hub';
export const VENDOR_ID: Uint8Array = vendorUuid(VENDOR_DOMAIN);
export const CLASS_ID: Uint8Array = classUuid(VENDOR_ID, CLASS_INFO);
export const KEY: PrivateKey = PrivateKey.generate('ESP256');
export const IMAGE: Uint8Array = utf8('an image');
export const OTHER_IMAGE: Uint8Array = utf8('another image');

export type Item = CborValue;

/** A map with integer keys. */
export function map(entries: Readonly<Record<number, Item>>): Map<Item, Item> {
  return new Map(Object.entries(entries).map(([key, value]): [Item, Item] => [Number(key), value]));
}

/** A command sequence in its byte string. */
export function commands(...items: Item[]): Uint8Array {
  return encodeCbor(items);
}

export function imageDigest(image: Uint8Array): Uint8Array {
  return encodeCbor([-16, sha256(image)]);
}

export type ManifestItems = {
  readonly components?: Item;
  readonly shared?: Uint8Array | null;
  readonly common?: Readonly<Record<number, Item>>;
  /** More elements, or `undefined` to leave one out. */
  readonly elements?: Readonly<Record<number, Item>>;
};

const IDENTIFIERS = [20, map({ 1: VENDOR_ID, 2: CLASS_ID }), 1, 15, 2, 15];

/** A manifest with one component; every part can be replaced. */
export function manifest(items: ManifestItems = {}): Uint8Array {
  const shared = items.shared === undefined ? commands(...IDENTIFIERS) : items.shared;
  const common = map({
    2: items.components ?? [[utf8('a')]],
    ...(shared !== null && { 4: shared }),
    ...items.common,
  });
  const elements = map({ 1: 1, 2: 1, 3: encodeCbor(common), ...items.elements });
  for (const [key, value] of elements) if (value === undefined) elements.delete(key);
  return encodeCbor(elements);
}

/** A manifest of several components whose install section is given. */
export function installing(count: number, ...items: Item[]): Uint8Array {
  const components = Array.from({ length: count }, (_, i) => [utf8(String.fromCharCode(97 + i))]);
  return manifest({ components, shared: null, elements: { 20: commands(...items) } });
}

/** Signs any bytes, without the checks of `signEnvelope`. */
export async function signRaw(
  bytes: Uint8Array,
  signers: readonly Signer[] = [KEY],
  parts: Partial<UntrustedEnvelope> = {},
): Promise<Uint8Array> {
  const digest = parts.digest ?? encodeDigest(digestOfMember(bytes));
  const blocks: Uint8Array[] = [];
  for (const signer of signers) blocks.push(await signSign1({ payload: digest, detached: true, kid: true }, signer));
  return encodeEnvelope({ digest, blocks, manifest: bytes, members: new Map(), integrated: new Map(), ...parts });
}

/** Signs and verifies: the verified form of any manifest. */
export async function verified(bytes: Uint8Array, parts: Partial<UntrustedEnvelope> = {}): Promise<VerifiedManifest> {
  const envelope = await signRaw(bytes, [KEY], parts);
  return verifyEnvelope(envelope, {
    keys: [KEY.publicKey],
    requiredAlgorithms: ['ESP256'],
    integratedSizeBytesMax: 1024,
  });
}

/** A device in memory: `slots` holds what each slot of each component holds; `log` what was done. */
export class MemoryPlatform implements SuitPlatform {
  readonly vendorId: Uint8Array = VENDOR_ID;
  readonly classId: Uint8Array = CLASS_ID;
  readonly deviceId: Uint8Array = new Uint8Array(16).fill(7);
  floor = 0n;
  slot = 0;
  readonly files = new Map<string, Uint8Array>();
  readonly slots = new Map<string, Uint8Array>();
  readonly log: string[] = [];
  readonly agreementKeys: AgreementKey[] = [];
  readonly keks: Uint8Array[] = [];
  readonly unsupported = new Set<string>();

  static nameOf(id: readonly Uint8Array[]): string {
    return id.map(fromUtf8).join('/');
  }

  #at(component: SuitComponent, slot: number): string {
    return `${MemoryPlatform.nameOf(component.id)}#${slot}`;
  }

  put(name: string, content: Uint8Array, slot = 0): void {
    this.slots.set(`${name}#${slot}`, content);
  }

  isComponentSupported(id: readonly Uint8Array[]): boolean {
    return !this.unsupported.has(MemoryPlatform.nameOf(id));
  }

  componentSlot(): number {
    return this.slot;
  }

  async fetch({ component, uri, integrated }: FetchRequest): Promise<void> {
    this.log.push(`fetch ${MemoryPlatform.nameOf(component.id)} ${uri}`);
    const content = integrated ?? this.files.get(uri);
    if (content === undefined) throw new Error(`no file ${uri}`);
    this.slots.set(this.#at(component, this.slot), content);
  }

  async copy({ source, target, slot, encryptionInfo, digest, sizeBytes }: CopyRequest): Promise<void> {
    this.log.push(`copy ${MemoryPlatform.nameOf(source.id)} ${MemoryPlatform.nameOf(target.id)} ${sizeBytes}`);
    const content = this.slots.get(this.#at(source, slot));
    if (content === undefined || digest.bytes.length !== 32) throw new Error('nothing to copy');
    this.slots.set(
      this.#at(target, slot),
      encryptionInfo === undefined ? content : this.#open(encryptionInfo, content),
    );
  }

  #open(encryptionInfo: Uint8Array, payload: Uint8Array): Uint8Array {
    const { algorithm, contentKey, iv, aad } = openEncryptInfo(encryptionInfo, {
      agreementKeys: this.agreementKeys,
      keks: this.keks,
    });
    const decryptor = createAeadDecryptor({ algorithm, key: contentKey, iv, aad });
    const plain = decryptor.update(payload.subarray(0, -16));
    decryptor.final(payload.subarray(-16));
    return plain;
  }

  async write({ component, slot, content }: WriteRequest): Promise<void> {
    this.log.push(`write ${MemoryPlatform.nameOf(component.id)}`);
    this.slots.set(this.#at(component, slot), content);
  }

  async invoke({ component, slot, args }: InvokeRequest): Promise<void> {
    this.log.push(`invoke ${MemoryPlatform.nameOf(component.id)} ${slot} ${args === undefined ? '-' : fromUtf8(args)}`);
  }

  async digestOf(
    component: SuitComponent,
    slot: number,
    algorithm: number,
  ): Promise<{ digest: Uint8Array; sizeBytes: number }> {
    const content = this.slots.get(this.#at(component, slot)) ?? new Uint8Array();
    const hash = newHash(algorithm);
    hash.update(content);
    return { digest: hash.digest(), sizeBytes: content.length };
  }

  async contentOf(component: SuitComponent, slot: number, sizeBytesMax: number): Promise<Uint8Array> {
    return (this.slots.get(this.#at(component, slot)) ?? new Uint8Array()).subarray(0, sizeBytesMax);
  }
}
