/**
 * Builds MCUboot images (MCUboot v2.4, docs/design.md; imgtool 2.4 `sign`): header, payload, protected TLVs, hash, signature,
 * and when asked for, encryption for a device and the padding to a slot with its trailer.
 *
 * The payload is given without header; the header is put before it. What is signed is always the plaintext.
 */
import { hash, randomBytes } from 'node:crypto';
import { concat, utf8 } from '../../bytes/index.ts';
import { ImageError } from '../errors.ts';
import { encodeBootRecord } from './boot-record.ts';
import { aesCtr, type McubootRecipient, wrapImageKey } from './image-key.ts';
import {
  FLAG_ENCRYPTED_AES128,
  FLAG_ENCRYPTED_AES256,
  FLAG_NON_BOOTABLE,
  FLAG_RAM_LOAD,
  FLAG_ROM_FIXED,
  HASH_TLVS,
  HEADER_SIZE_BYTES,
  IMAGE_MAGIC,
  type McubootHash,
  type McubootVersion,
  TLV,
  TLV_HEAD_SIZE_BYTES,
  TLV_MAGIC,
  TLV_PROTECTED_MAGIC,
} from './layout.ts';
import { algorithmOf, keyBytesOf, messageOf } from './signature.ts';
import { assertRecipientAllowed, assertSignerAllowed, type McubootSigner } from './signer.ts';
import { type McubootSlot, padToSlot } from './slot.ts';

export type McubootSignOptions = {
  readonly payload: Uint8Array;
  readonly version: McubootVersion;
  /** At least 32; more moves the payload to where its vector table must stand. Default 32. */
  readonly headerSizeBytes?: number;
  /** Where the image is loaded to in RAM, or where in flash it was built for. */
  readonly load?: { readonly address: number; readonly isRomFixed: boolean };
  readonly isBootable?: boolean;
  readonly securityCounter?: number;
  readonly dependencies?: readonly { readonly image: number; readonly versionMin: McubootVersion }[];
  /** 16 bytes each. */
  readonly vendorId?: Uint8Array;
  readonly classId?: Uint8Array;
  /** Adds a boot record for this type of software, at most 12 bytes of text. */
  readonly bootRecord?: string;
  /** TLVs of the vendor, by type; they are protected. */
  readonly customTlvs?: readonly { readonly type: number; readonly value: Uint8Array }[];
  /** Absent: the image carries its hash only. */
  readonly signer?: McubootSigner;
  /** How the image names the key; default its hash. */
  readonly publicKey?: 'hash' | 'full';
  /** The image hash; default that of the algorithm. Only Ed25519 leaves a choice. */
  readonly hash?: McubootHash;
  /** Sign the image itself, not its hash; Ed25519 only. */
  readonly isPure?: boolean;
  readonly encryption?: { readonly recipient: McubootRecipient; readonly aesBits: 128 | 256 };
  readonly slot?: McubootSlot;
};

const U16_MAX = 0xffff;
const U32_MAX = 0xffff_ffff;
const AES_BLOCK_SIZE_BYTES = 16;
const BOOT_RECORD_TEXT_SIZE_BYTES_MAX = 12;
const UUID_SIZE_BYTES = 16;

/** @throws ImageError IMAGE_OPTION_INVALID */
function check(isGood: boolean, option: string, expected: string, actual?: number): void {
  if (!isGood) throw new ImageError('IMAGE_OPTION_INVALID', { option, expected, actual });
}

function checkUint(value: number, max: number, option: string, min = 0): void {
  check(Number.isInteger(value) && value >= min && value <= max, option, `a number from ${min} to ${max}`, value);
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >>> 8);
}

function u32(value: number): Uint8Array {
  return concat(u16(value & U16_MAX), u16(value >>> 16));
}

function encodeVersion(version: McubootVersion): Uint8Array {
  checkUint(version.major, 0xff, 'version major');
  checkUint(version.minor, 0xff, 'version minor');
  checkUint(version.revision, U16_MAX, 'version revision');
  checkUint(version.build, U32_MAX, 'version build');
  return concat(Uint8Array.of(version.major, version.minor), u16(version.revision), u32(version.build));
}

function encodeTlv(type: number, value: Uint8Array): Uint8Array {
  checkUint(value.length, U16_MAX, 'size of a TLV');
  return concat(u16(type), u16(value.length), value);
}

function encodeArea(magic: number, tlvs: readonly Uint8Array[]): Uint8Array {
  const entries = concat(...tlvs);
  const sizeBytes = TLV_HEAD_SIZE_BYTES + entries.length;
  checkUint(sizeBytes, U16_MAX, 'size of a TLV area');
  return concat(u16(magic), u16(sizeBytes), entries);
}

type Signing = { readonly hash: McubootHash; readonly hashTlv: number; readonly keyHash: Uint8Array };

/** The hash of the image and of the key; both are of one kind. */
function decideSigning({ signer, hash: asked, isPure = false }: McubootSignOptions): Signing {
  const row = signer === undefined ? undefined : algorithmOf(signer.publicKey);
  check(!isPure || row?.name === 'ed25519', 'isPure', 'an Ed25519 key');
  // imgtool: beside a pure signature stands a SHA-512.
  const name = asked ?? (isPure ? 'sha512' : (row?.hashes[0] ?? 'sha256'));
  check(row?.hashes.includes(name) ?? true, 'hash', `a hash that goes with ${row?.name}`);
  const hashTlv = [...HASH_TLVS].find(([, each]) => each === name)?.[0] ?? 0;
  const keyHash =
    signer === undefined ? new Uint8Array(32) : new Uint8Array(hash(name, keyBytesOf(signer.publicKey), 'buffer'));
  return { hash: name, hashTlv, keyHash };
}

function encodeDependency({ image, versionMin }: { image: number; versionMin: McubootVersion }): Uint8Array {
  checkUint(image, 0xff, 'dependency');
  return encodeTlv(TLV.dependency, concat(Uint8Array.of(image, 0, 0, 0), encodeVersion(versionMin)));
}

/** image.h: vendors have the types xxA0 to xxFE; the rest is MCUboot's. */
function encodeCustom({ type, value }: { type: number; value: Uint8Array }): Uint8Array {
  checkUint(type, 0xfffe, 'custom TLV');
  check((type & 0xff) >= 0xa0 && (type & 0xff) <= 0xfe, 'custom TLV', 'a type from xxA0 to xxFE', type);
  return encodeTlv(type, value);
}

function encodeProtected(options: McubootSignOptions, signing: Signing): Uint8Array {
  const { securityCounter, bootRecord, dependencies = [], vendorId, classId, customTlvs = [], version } = options;
  const tlvs: Uint8Array[] = [];
  if (securityCounter !== undefined) {
    checkUint(securityCounter, U32_MAX, 'securityCounter');
    tlvs.push(encodeTlv(TLV.securityCounter, u32(securityCounter)));
  }
  if (bootRecord !== undefined) {
    const expected = `at most ${BOOT_RECORD_TEXT_SIZE_BYTES_MAX} bytes`;
    check(utf8(bootRecord).length <= BOOT_RECORD_TEXT_SIZE_BYTES_MAX, 'bootRecord', expected);
    const record = encodeBootRecord({
      softwareType: bootRecord,
      version: `${version.major}.${version.minor}.${version.revision}`,
      hash: signing.hash,
      hashSizeBytes: hash(signing.hash, '', 'buffer').length,
      signerId: signing.keyHash,
    });
    tlvs.push(encodeTlv(TLV.bootRecord, record));
  }
  tlvs.push(...dependencies.map(encodeDependency));
  for (const [type, uuid] of [
    [TLV.vendorId, vendorId],
    [TLV.classId, classId],
  ] as const) {
    if (uuid === undefined) continue;
    check(uuid.length === UUID_SIZE_BYTES, 'vendorId and classId', `${UUID_SIZE_BYTES} bytes`, uuid.length);
    tlvs.push(encodeTlv(type, uuid));
  }
  const types = customTlvs.map(({ type }) => type);
  check(new Set(types).size === types.length, 'custom TLV', 'each type once');
  tlvs.push(...customTlvs.map(encodeCustom));
  return tlvs.length === 0 ? new Uint8Array() : encodeArea(TLV_PROTECTED_MAGIC, tlvs);
}

function flagsOf({ load, isBootable = true, encryption }: McubootSignOptions): number {
  let flags = 0;
  if (load !== undefined) flags |= load.isRomFixed ? FLAG_ROM_FIXED : FLAG_RAM_LOAD;
  if (!isBootable) flags |= FLAG_NON_BOOTABLE;
  if (encryption !== undefined) flags |= encryption.aesBits === 256 ? FLAG_ENCRYPTED_AES256 : FLAG_ENCRYPTED_AES128;
  return flags;
}

function encodeHeader(options: McubootSignOptions, payloadSize: number, protectedSize: number): Uint8Array {
  const { headerSizeBytes = HEADER_SIZE_BYTES, load } = options;
  checkUint(headerSizeBytes, U16_MAX, 'headerSizeBytes', HEADER_SIZE_BYTES);
  checkUint(load?.address ?? 0, U32_MAX, 'load address');
  // Padding has the value of erased flash, as imgtool writes it: programming it is for free.
  const header = new Uint8Array(headerSizeBytes).fill(options.slot?.erasedValue ?? 0xff);
  const fields = [u32(load?.address ?? 0), u16(headerSizeBytes), u16(protectedSize), u32(payloadSize)];
  header.set(concat(IMAGE_MAGIC, ...fields, u32(flagsOf(options)), encodeVersion(options.version), u32(0)));
  return header;
}

/** docs/encrypted_images.md: the payload is padded before it is hashed, so that the cipher sees whole blocks. */
function paddedPayload({ payload, headerSizeBytes = HEADER_SIZE_BYTES, encryption }: McubootSignOptions): Uint8Array {
  const over = (headerSizeBytes + payload.length) % AES_BLOCK_SIZE_BYTES;
  if (encryption === undefined || over === 0) return payload;
  return concat(payload, new Uint8Array(AES_BLOCK_SIZE_BYTES - over));
}

async function encodeSignature(
  { signer, isPure = false, publicKey = 'hash' }: McubootSignOptions,
  { keyHash }: Signing,
  region: Uint8Array,
  digest: Uint8Array,
): Promise<Uint8Array[]> {
  const pure = isPure ? [encodeTlv(TLV.signaturePure, Uint8Array.of(1))] : [];
  if (signer === undefined) return pure;
  const { name, tlv } = algorithmOf(signer.publicKey);
  const key =
    publicKey === 'full' ? encodeTlv(TLV.publicKey, keyBytesOf(signer.publicKey)) : encodeTlv(TLV.keyHash, keyHash);
  const signature = await signer.sign(messageOf(name, isPure, region, digest));
  return [...pure, key, encodeTlv(tlv, signature)];
}

/**
 * Builds an MCUboot image and signs it.
 * @throws ImageError IMAGE_OPTION_INVALID, IMAGE_ALGORITHM_WEAK
 * @throws KeysError KEYS_TEST_KEY_BARRED
 */
export async function signMcuboot(options: McubootSignOptions): Promise<Uint8Array> {
  if (options.signer !== undefined) assertSignerAllowed(options.signer);
  const signing = decideSigning(options);
  const payload = paddedPayload(options);
  checkUint(payload.length, U32_MAX, 'size of the payload', 1);
  const protectedArea = encodeProtected(options, signing);
  const header = encodeHeader(options, payload.length, protectedArea.length);
  const region = concat(header, payload, protectedArea);
  const digest = new Uint8Array(hash(signing.hash, region, 'buffer'));
  const tlvs = [encodeTlv(signing.hashTlv, digest), ...(await encodeSignature(options, signing, region, digest))];
  let stored = payload;
  if (options.encryption !== undefined) {
    const { recipient, aesBits } = options.encryption;
    const imageKey = new Uint8Array(randomBytes(aesBits / 8));
    const wrapped = wrapImageKey(recipient, imageKey);
    assertRecipientAllowed(recipient);
    tlvs.push(encodeTlv(wrapped.type, wrapped.value));
    stored = aesCtr(imageKey, payload);
  }
  const image = concat(header, stored, protectedArea, encodeArea(TLV_MAGIC, tlvs));
  return options.slot === undefined ? image : padToSlot(image, options.slot, options.encryption !== undefined);
}
