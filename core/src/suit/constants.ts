/**
 * Every number of the SUIT documents, in one place, because none of them is an RFC yet.
 *
 * - draft-ietf-suit-manifest-37
 * - draft-ietf-suit-firmware-encryption-24 (the same wire format as -26): encryption-info
 * - draft-ietf-suit-trust-domains-11 (the same numbers as -12): dependencies
 * - draft-ietf-suit-update-management-14: versions, waiting, battery, consent, metadata of files
 * - draft-ietf-suit-mti (July 2025): algorithm profiles
 * - draft-ietf-suit-report-18: reports
 *
 * What is not in these tables is refused (closed world).
 */

export const ENVELOPE_TAG = 107;
export const MANIFEST_VERSION = 1;

export const ENVELOPE_KEYS = { authentication: 2, manifest: 3 } as const;
export const MANIFEST_KEYS = {
  manifestVersion: 1,
  sequenceNumber: 2,
  common: 3,
  referenceUri: 4,
  componentId: 5,
  setVersion: 6,
  coswid: 14,
  text: 23,
} as const;
export const COMMON_KEYS = { dependencies: 1, components: 2, sharedSequence: 4 } as const;
export const DEPENDENCY_KEYS = { prefix: 1 } as const;

/** Command sections: manifest key, and whether the section may be severed into the envelope. */
export const SECTIONS = {
  validate: { key: 7, isSeverable: false },
  load: { key: 8, isSeverable: false },
  invoke: { key: 9, isSeverable: false },
  'dependency-resolution': { key: 15, isSeverable: true },
  'payload-fetch': { key: 16, isSeverable: true },
  'candidate-verification': { key: 18, isSeverable: true },
  install: { key: 20, isSeverable: true },
  uninstall: { key: 24, isSeverable: false },
} as const;
export type SectionName = keyof typeof SECTIONS;

/** Custom numbers are below -256; ours is the rollback floor (docs/decisions/002). */
const SECURITY_COUNTER = -257;

export const CONDITIONS = {
  'vendor-identifier': 1,
  'class-identifier': 2,
  'image-match': 3,
  'use-before': 4,
  'component-slot': 5,
  'check-content': 6,
  'dependency-integrity': 7,
  'is-dependency': 8,
  abort: 14,
  'device-identifier': 24,
  'image-not-match': 25,
  'minimum-battery': 26,
  'update-authorized': 27,
  version: 28,
  'security-counter': SECURITY_COUNTER,
} as const;
export type ConditionName = keyof typeof CONDITIONS;

/** Directives that act on the current component and carry a reporting policy. */
export const ACTIONS = {
  'process-dependency': 11,
  write: 18,
  fetch: 21,
  copy: 22,
  invoke: 23,
  wait: 29,
  swap: 31,
  unlink: 33,
} as const;
export type ActionName = keyof typeof ACTIONS;

/** Directives with an argument block of their own. */
export const CONTROLS = {
  'set-component-index': 12,
  'try-each': 15,
  'set-parameters': 19,
  'override-parameters': 20,
  'run-sequence': 32,
  'override-multiple': 34,
  'copy-params': 35,
} as const;
export type ControlName = keyof typeof CONTROLS;

export const PARAMETERS = {
  vendorId: 1,
  classId: 2,
  imageDigest: 3,
  useBefore: 4,
  componentSlot: 5,
  strictOrder: 12,
  softFailure: 13,
  imageSizeBytes: 14,
  content: 18,
  encryptionInfo: 19,
  uri: 21,
  sourceComponent: 22,
  invokeArgs: 23,
  deviceId: 24,
  fetchArguments: 25,
  minimumBattery: 26,
  updatePriority: 27,
  version: 28,
  waitInfo: 29,
  componentMetadata: 30,
  securityCounter: SECURITY_COUNTER,
} as const;

/** Reporting policy: record on success 1, record on failure 2, system information on success 4, on failure 8. */
export const REPORTING = { none: 0, onFailure: 2, slot: 5, all: 15 } as const;
export const REPORTING_MAX = 15;
export const REPORT_BITS = { recordSuccess: 1, recordFailure: 2, systemSuccess: 4, systemFailure: 8 } as const;

/**
 * The algorithm profiles that authors must all support (draft-ietf-suit-mti §4): COSE ids of digest, authentication, key
 * exchange and content encryption.
 */
export const SUIT_PROFILES = {
  'suit-sha256-hmac-a128kw-a128ctr': { digest: -16, authentication: 5, keyExchange: -3, encryption: -65534 },
  'suit-sha256-esp256-ecdh-a128ctr': { digest: -16, authentication: -9, keyExchange: -29, encryption: -65534 },
  'suit-sha256-ed25519-ecdh-a128ctr': { digest: -16, authentication: -19, keyExchange: -29, encryption: -65534 },
  'suit-sha256-esp256-ecdh-a128gcm': { digest: -16, authentication: -9, keyExchange: -29, encryption: 1 },
  'suit-sha256-ed25519-ecdh-chacha-poly': { digest: -16, authentication: -19, keyExchange: -29, encryption: 24 },
  'suit-sha256-hsslms-a256kw-a256ctr': { digest: -16, authentication: -46, keyExchange: -5, encryption: -65532 },
} as const;

export const LIMITS = {
  envelopeSizeBytesMax: 256 * 1024,
  manifestSizeBytesMax: 64 * 1024,
  authenticationBlocksMax: 8,
  componentsMax: 16,
  componentIdPartsMax: 8,
  componentIdSizeBytesMax: 256,
  /** Sequences inside sequences (try-each, run-sequence); each level is a byte string of its own. */
  sequenceDepthMax: 6,
  /** Commands written in one manifest, all sections together. */
  commandsMax: 512,
  /** Commands executed by one run of a section, loops over components and all dependencies included. */
  executedMax: 4096,
  uriCharsMax: 512,
  contentSizeBytesMax: 4096,
  encryptionInfoSizeBytesMax: 16 * 1024,
  versionPartsMax: 8,
  /** Dependencies of dependencies. */
  dependencyDepthMax: 4,
  metadataEntriesMax: 64,
  otherVersionsMax: 8,
  recordsMax: 512,
} as const;
