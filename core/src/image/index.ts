/**
 * Images: which format a firmware file has, what it says about itself, and whether its own checks hold. One file or folder
 * a format; the table is `IMAGE_FORMATS`. Formats that carry signatures are verified too (`verifyImage`). Pure: bytes in,
 * facts out; every structure is checked against the end of the bytes before it is read.
 */
export { type CertificateLimits, type CmsSigner, certificateLimits } from './certificate.ts';
export type { CortexMDescription } from './cortex-m.ts';
export type { DfuDescription, DfuTarget } from './dfu.ts';
export type { EfiDescription, EfiFacts, OsRelease, SbatEntry, VerifiedEfi } from './efi.ts';
export type { ElfDescription } from './elf.ts';
export { IMAGE_ERRORS, ImageError, type ImageErrorCode } from './errors.ts';
export type { EspApp } from './esp/app-description.ts';
export type { SignatureScheme } from './esp/signature-block.ts';
export { type EspImageDescription, type VerifiedEspImage, verifyEspImage } from './esp/verify.ts';
export type {
  DeviceTreeDescription,
  FitDescription,
  FitImageDescription,
  FitSignatureDescription,
} from './fit/describe.ts';
export { type VerifiedFit, type VerifiedFitConfiguration, verifyFit } from './fit/verify.ts';
export {
  describeImage,
  IMAGE_FORMATS,
  type ImageDescription,
  type ImageFormat,
  identifyImage,
  type VerifiedImage,
  verifyImage,
} from './identify.ts';
export type { IntelHexDescription } from './intel-hex.ts';
export { describeMcuboot, type McubootDescription } from './mcuboot/describe.ts';
export type { McubootDependency, McubootFacts } from './mcuboot/facts.ts';
export type { McubootRecipient } from './mcuboot/image-key.ts';
export type { McubootHash, McubootVersion } from './mcuboot/layout.ts';
export { type McubootSignOptions, signMcuboot } from './mcuboot/sign.ts';
export type { McubootAlgorithm } from './mcuboot/signature.ts';
export { type McubootSigner, mcubootRecipientFromPem, mcubootSigner, mcubootSignerFromPem } from './mcuboot/signer.ts';
export type { McubootSlot } from './mcuboot/slot.ts';
export type { McubootTrailer, TrailerAlignment } from './mcuboot/trailer.ts';
export { openMcuboot, type VerifiedMcuboot, verifyMcuboot } from './mcuboot/verify.ts';
export type { MemorySegment } from './memory-segment.ts';
export type { MenderDescription, MenderFile, VerifiedMender } from './mender.ts';
export type { MenderHeader } from './mender-header.ts';
export type { RaucImage, RaucUpdate } from './rauc-manifest.ts';
export type { RaucbDescription, VerifiedRaucb } from './raucb.ts';
export type { RawDescription } from './raw.ts';
export type { SrecDescription } from './srec.ts';
export { type SwuDescription, type SwuFile, type VerifiedSwu, verifySwu } from './swu.ts';
export type { KeySigner } from './swu-signature.ts';
export type { ImageTrust } from './trust.ts';
export type { Uf2Description, Uf2Family } from './uf2.ts';
export type { UimageDescription } from './uimage.ts';
