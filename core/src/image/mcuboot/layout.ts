/** Numbers and names of MCUboot images (MCUboot v2.4, bootutil/image.h). */

export const IMAGE_MAGIC = Uint8Array.of(0x3d, 0xb8, 0xf3, 0x96);
export const HEADER_SIZE_BYTES = 32;
export const TLV_HEAD_SIZE_BYTES = 4;
export const TLV_MAGIC = 0x6907;
export const TLV_PROTECTED_MAGIC = 0x6908;

export const FLAG_ENCRYPTED_AES128 = 0x04;
export const FLAG_ENCRYPTED_AES256 = 0x08;
export const FLAG_NON_BOOTABLE = 0x10;
export const FLAG_RAM_LOAD = 0x20;
export const FLAG_ROM_FIXED = 0x100;

/** Every flag that is defined, by its bit. */
export const FLAGS: readonly (readonly [bit: number, name: string])[] = [
  [FLAG_ENCRYPTED_AES128, 'encrypted-aes128'],
  [FLAG_ENCRYPTED_AES256, 'encrypted-aes256'],
  [FLAG_NON_BOOTABLE, 'non-bootable'],
  [FLAG_RAM_LOAD, 'ram-load'],
  [FLAG_ROM_FIXED, 'rom-fixed'],
  [0x200, 'compressed-lzma1'],
  [0x400, 'compressed-lzma2'],
  [0x800, 'compressed-arm-thumb'],
];

export const TLV = {
  keyHash: 0x01,
  publicKey: 0x02,
  sha256: 0x10,
  sha384: 0x11,
  sha512: 0x12,
  rsa2048Pss: 0x20,
  ecdsa: 0x22,
  rsa3072Pss: 0x23,
  ed25519: 0x24,
  signaturePure: 0x25,
  keyRsa2048: 0x30,
  keyAesKw: 0x31,
  keyEc256: 0x32,
  keyX25519: 0x33,
  keyX25519Sha512: 0x34,
  dependency: 0x40,
  securityCounter: 0x50,
  bootRecord: 0x60,
  vendorId: 0x74,
  classId: 0x75,
} as const;

export const TLV_NAMES: ReadonlyMap<number, string> = new Map([
  [TLV.keyHash, 'key-hash'],
  [TLV.publicKey, 'public-key'],
  [TLV.sha256, 'sha256'],
  [TLV.sha384, 'sha384'],
  [TLV.sha512, 'sha512'],
  [TLV.rsa2048Pss, 'rsa2048-pss'],
  [TLV.ecdsa, 'ecdsa'],
  [TLV.rsa3072Pss, 'rsa3072-pss'],
  [TLV.ed25519, 'ed25519'],
  [TLV.signaturePure, 'signature-pure'],
  [TLV.keyRsa2048, 'encrypted-key-rsa2048'],
  [TLV.keyAesKw, 'encrypted-key-aes-kw'],
  [TLV.keyEc256, 'encrypted-key-ec256'],
  [TLV.keyX25519, 'encrypted-key-x25519'],
  [TLV.keyX25519Sha512, 'encrypted-key-x25519-sha512'],
  [TLV.dependency, 'dependency'],
  [TLV.securityCounter, 'security-counter'],
  [TLV.bootRecord, 'boot-record'],
  [0x70, 'decompressed-size'],
  [0x71, 'decompressed-hash'],
  [0x72, 'decompressed-signature'],
  [0x73, 'compressed-decrypted-size'],
  [TLV.vendorId, 'vendor-id'],
  [TLV.classId, 'class-id'],
]);

export type McubootHash = 'sha256' | 'sha384' | 'sha512';

/** The TLVs that hold the image hash. */
export const HASH_TLVS: ReadonlyMap<number, McubootHash> = new Map([
  [TLV.sha256, 'sha256'],
  [TLV.sha384, 'sha384'],
  [TLV.sha512, 'sha512'],
]);

export const SIGNATURE_TLVS: ReadonlySet<number> = new Set([TLV.rsa2048Pss, TLV.ecdsa, TLV.rsa3072Pss, TLV.ed25519]);
export const ENCRYPTED_KEY_TLVS: ReadonlySet<number> = new Set([
  TLV.keyRsa2048,
  TLV.keyAesKw,
  TLV.keyEc256,
  TLV.keyX25519,
  TLV.keyX25519Sha512,
]);

/**
 * What may stand in the area that no signature covers, and nowhere else: the signature itself and what leads to it
 * (bootutil/image_validate.c, `allowed_unprot_tlvs`).
 */
export const UNPROTECTED_TLVS: ReadonlySet<number> = new Set([
  TLV.keyHash,
  TLV.publicKey,
  ...HASH_TLVS.keys(),
  ...SIGNATURE_TLVS,
  TLV.signaturePure,
  ...ENCRYPTED_KEY_TLVS,
]);

/** A version, as the header and dependencies hold it. */
export type McubootVersion = {
  readonly major: number;
  readonly minor: number;
  readonly revision: number;
  readonly build: number;
};

/** `major.minor.revision+build` */
export function formatVersion({ major, minor, revision, build }: McubootVersion): string {
  return `${major}.${minor}.${revision}+${build}`;
}
