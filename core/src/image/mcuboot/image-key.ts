/**
 * The key of an encrypted MCUboot image and how it is wrapped for the device (MCUboot v2.4, docs/encrypted_images.md):
 * RSA-OAEP with SHA-256, AES key wrap (RFC 3394), or ECIES on P-256 and X25519: HKDF over the shared secret without salt and
 * with the info `MCUBoot_ECIES_v1` gives an AES-CTR key, which encrypts the image key, and an HMAC key over the result.
 */
import {
  constants,
  createCipheriv,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
} from 'node:crypto';
import { concat, isEqualBytes, utf8 } from '../../bytes/index.ts';
import { aesKeyUnwrap, aesKeyWrap, CryptoError } from '../../crypto/index.ts';
import { ImageError } from '../errors.ts';
import { TLV } from './layout.ts';
import type { McubootTlv } from './parse.ts';

export type AesKeySizeBytes = 16 | 32;
type EciesRow = {
  readonly tlv: number;
  readonly keyType: 'ec' | 'x25519';
  readonly publicSizeBytes: number;
  readonly mac: 'sha256' | 'sha512';
  readonly macSizeBytes: number;
};

const INFO = utf8('MCUBoot_ECIES_v1');
const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' } as const;
const CURVE = 'prime256v1';
const ECIES: readonly EciesRow[] = [
  { tlv: TLV.keyEc256, keyType: 'ec', publicSizeBytes: 65, mac: 'sha256', macSizeBytes: 32 },
  { tlv: TLV.keyX25519, keyType: 'x25519', publicSizeBytes: 32, mac: 'sha256', macSizeBytes: 32 },
  { tlv: TLV.keyX25519Sha512, keyType: 'x25519', publicSizeBytes: 32, mac: 'sha512', macSizeBytes: 64 },
];

/** AES-CTR from counter zero: each key encrypts one image only, or one key only. Encrypts and decrypts. */
export function aesCtr(key: Uint8Array, data: Uint8Array): Uint8Array {
  const cipher = createCipheriv(`aes-${key.length * 8}-ctr`, key, new Uint8Array(16));
  return concat(cipher.update(data), cipher.final());
}

function isEciesKey(key: KeyObject, { keyType }: EciesRow): boolean {
  if (key.asymmetricKeyType !== keyType) return false;
  return keyType === 'x25519' || key.asymmetricKeyDetails?.namedCurve === CURVE;
}

function deriveKeys(secret: Uint8Array, row: EciesRow, keySize: AesKeySizeBytes) {
  const derived = new Uint8Array(hkdfSync(row.mac, secret, new Uint8Array(), INFO, keySize + row.macSizeBytes));
  return { cipherKey: derived.subarray(0, keySize), macKey: derived.subarray(keySize) };
}

function importPublic({ keyType }: EciesRow, raw: Uint8Array): KeyObject {
  const key = Buffer.from(raw);
  return keyType === 'ec'
    ? createPublicKey({ key, format: 'raw-public', asymmetricKeyType: 'ec', namedCurve: CURVE })
    : createPublicKey({ key, format: 'raw-public', asymmetricKeyType: 'x25519' });
}

/** The shared secret with the ephemeral key; undefined for bytes that are no key, or a key of low order. */
function agree(row: EciesRow, privateKey: KeyObject, raw: Uint8Array): Uint8Array | undefined {
  try {
    return diffieHellman({ privateKey, publicKey: importPublic(row, raw) });
  } catch {
    return undefined;
  }
}

function openEcies(row: EciesRow, key: KeyObject, value: Uint8Array, keySize: AesKeySizeBytes): Uint8Array | undefined {
  const macEnd = row.publicSizeBytes + row.macSizeBytes;
  // RFC 7748 §5: the top bit is not part of the key and would be ignored; one key has one spelling here.
  if (row.keyType === 'x25519' && ((value[row.publicSizeBytes - 1] ?? 0) & 0x80) !== 0) return undefined;
  const secret = agree(row, key, value.subarray(0, row.publicSizeBytes));
  if (secret === undefined) return undefined;
  const { cipherKey, macKey } = deriveKeys(secret, row, keySize);
  const wrapped = value.subarray(macEnd);
  const mac = createHmac(row.mac, macKey).update(wrapped).digest();
  if (!isEqualBytes(mac, value.subarray(row.publicSizeBytes, macEnd))) return undefined;
  return aesCtr(cipherKey, wrapped);
}

function openRsa(key: KeyObject, value: Uint8Array): Uint8Array | undefined {
  try {
    return new Uint8Array(privateDecrypt({ key, ...OAEP }, value));
  } catch {
    return undefined;
  }
}

function openAesKw(kek: Uint8Array, value: Uint8Array): Uint8Array | undefined {
  try {
    return aesKeyUnwrap(kek, value);
  } catch (cause) {
    if (cause instanceof CryptoError) return undefined;
    throw cause;
  }
}

/** The keys that could open the wrapped key, each tried. */
function attempts(
  { type, value }: McubootTlv,
  keySize: AesKeySizeBytes,
  keys: { readonly privateKeys: readonly KeyObject[]; readonly keks: readonly Uint8Array[] },
): (Uint8Array | undefined)[] {
  if (type === TLV.keyAesKw) return keys.keks.map((kek) => openAesKw(kek, value));
  const row = ECIES.find(({ tlv }) => tlv === type);
  if (row === undefined) {
    return keys.privateKeys
      .filter(({ asymmetricKeyType }) => asymmetricKeyType === 'rsa')
      .map((key) => openRsa(key, value));
  }
  return keys.privateKeys.filter((key) => isEciesKey(key, row)).map((key) => openEcies(row, key, value, keySize));
}

/**
 * Unwraps the key of an encrypted image.
 * @throws ImageError IMAGE_DECRYPTION_KEY_MISSING, IMAGE_DECRYPTION_FAILED
 */
export function unwrapImageKey(
  tlv: McubootTlv,
  keySize: AesKeySizeBytes,
  keys: { readonly privateKeys: readonly KeyObject[]; readonly keks: readonly Uint8Array[] },
): Uint8Array {
  const results = attempts(tlv, keySize, keys);
  if (results.length === 0) throw new ImageError('IMAGE_DECRYPTION_KEY_MISSING', { wrapping: tlv.name });
  const opened = results.find((result) => result !== undefined);
  if (opened?.length !== keySize) throw new ImageError('IMAGE_DECRYPTION_FAILED', { wrapping: tlv.name });
  return opened;
}

/** How the image key is wrapped for the device: its public key, or a key that both sides hold. */
export type McubootRecipient =
  | { readonly publicKey: KeyObject; readonly mac?: 'sha256' | 'sha512' }
  | { readonly kek: Uint8Array };

function sealEcies(row: EciesRow, recipient: KeyObject, imageKey: Uint8Array): Uint8Array {
  const ephemeral =
    row.keyType === 'ec' ? generateKeyPairSync('ec', { namedCurve: CURVE }) : generateKeyPairSync('x25519');
  const secret = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: recipient });
  const { cipherKey, macKey } = deriveKeys(secret, row, imageKey.length === 32 ? 32 : 16);
  const wrapped = aesCtr(cipherKey, imageKey);
  const mac = createHmac(row.mac, macKey).update(wrapped).digest();
  return concat(new Uint8Array(ephemeral.publicKey.export({ format: 'raw-public' })), mac, wrapped);
}

/**
 * Wraps the key of an image for a device: the type and value of its TLV.
 * @throws ImageError IMAGE_ALGORITHM_WEAK
 * @throws CryptoError CRYPTO_PARAMETER_INVALID
 */
export function wrapImageKey(recipient: McubootRecipient, imageKey: Uint8Array): { type: number; value: Uint8Array } {
  if ('kek' in recipient) return { type: TLV.keyAesKw, value: aesKeyWrap(recipient.kek, imageKey) };
  const { publicKey, mac = 'sha256' } = recipient;
  if (publicKey.asymmetricKeyType === 'rsa' && publicKey.asymmetricKeyDetails?.modulusLength === 2048) {
    return { type: TLV.keyRsa2048, value: new Uint8Array(publicEncrypt({ key: publicKey, ...OAEP }, imageKey)) };
  }
  const row = ECIES.find((each) => each.mac === mac && isEciesKey(publicKey, each));
  if (row === undefined) throw new ImageError('IMAGE_ALGORITHM_WEAK', { key: publicKey.asymmetricKeyType, mac });
  return { type: row.tlv, value: sealEcies(row, publicKey, imageKey) };
}
