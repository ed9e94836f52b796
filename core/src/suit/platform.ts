/**
 * What a device offers to the command interpreter. The interpreter decides what is done and in which order; the platform
 * does it. Whatever a method throws ends the section and reaches the caller unchanged (a failing directive always aborts,
 * draft-ietf-suit-manifest-37 §6.4). Methods left out are commands that the device does not know: a manifest that uses
 * one is refused before anything runs.
 */
import type { SuitDigest } from './digest.ts';
import type { WaitInfo } from './wait.ts';

/** A component of the manifest: its index there, and its identifier. */
export type SuitComponent = {
  readonly index: number;
  readonly id: readonly Uint8Array[];
  /** The component holds the envelope of another manifest. */
  readonly isDependency?: boolean;
};

export type FetchRequest = {
  readonly component: SuitComponent;
  /** A plain file name, or "#name" of an integrated payload, which then stands in `integrated`. */
  readonly uri: string;
  readonly integrated?: Uint8Array;
  /** What the manifest says of the fetched bytes themselves (not of what is later decrypted from them). */
  readonly digest?: SuitDigest;
  readonly sizeBytes?: number;
  readonly fetchArguments?: Uint8Array;
  readonly metadata?: Uint8Array;
};

export type CopyRequest = {
  readonly source: SuitComponent;
  readonly target: SuitComponent;
  /** The slot of the target that is written. */
  readonly slot: number;
  /** SUIT_Encryption_Info (COSE_Encrypt, tag 96) of the source bytes. */
  readonly encryptionInfo?: Uint8Array;
  /** Digest and size of the target after the copy, that is, of the plaintext. Both must stand in the manifest. */
  readonly digest: SuitDigest;
  readonly sizeBytes: number;
  /** File metadata of the target: CBOR, checked (component-metadata.ts). */
  readonly metadata?: Uint8Array;
};

export type SwapRequest = { readonly source: SuitComponent; readonly target: SuitComponent; readonly slot: number };

export type WriteRequest = {
  readonly component: SuitComponent;
  readonly slot: number;
  readonly content: Uint8Array;
  readonly encryptionInfo?: Uint8Array;
  readonly metadata?: Uint8Array;
};

export type InvokeRequest = { readonly component: SuitComponent; readonly slot: number; readonly args?: Uint8Array };

/** The device under a manifest. */
export interface SuitPlatform {
  readonly vendorId: Uint8Array;
  readonly classId: Uint8Array;
  readonly deviceId?: Uint8Array;
  /** The least security counter that may be installed or started. */
  readonly floor: bigint;
  isComponentSupported(id: readonly Uint8Array[]): boolean;
  /** The slot that this run installs into, validates or starts: what the component-slot condition compares with. */
  componentSlot(component: SuitComponent): number;
  /** May only note the source and let `copy` stream it. */
  fetch?(request: FetchRequest): Promise<void>;
  copy?(request: CopyRequest): Promise<void>;
  write?(request: WriteRequest): Promise<void>;
  invoke?(request: InvokeRequest): Promise<void>;
  /** Digest, by the COSE algorithm that is given, and size of what the slot holds. */
  digestOf(
    component: SuitComponent,
    slot: number,
    algorithm: number,
  ): Promise<{ readonly digest: Uint8Array; readonly sizeBytes: number }>;
  /** The whole content of a small component, for the check-content condition; at most `sizeBytesMax` bytes. */
  contentOf?(component: SuitComponent, slot: number, sizeBytesMax: number): Promise<Uint8Array>;
  /** Exchanges two components; a cut in the middle leaves it as it was, or done. */
  swap?(request: SwapRequest): Promise<void>;
  /** The manifest that is run needs this component no more (trust-domains §4.5.5). */
  unlink?(component: SuitComponent): Promise<void>;
  /** True when other manifests still need the component: nothing may be written to it then. */
  isReferenced?(component: SuitComponent): Promise<boolean>;
  /** True for an address that this device fetches from. Left out: plain file names only. */
  isUriSupported?(uri: string): boolean;
  /** The envelope that a dependency component holds; undefined when it was not fetched yet. */
  envelopeOf?(component: SuitComponent): Promise<Uint8Array | undefined>;
  /** Trusted time, seconds since 1970; a device without a clock leaves it out. */
  nowUnixS?(): bigint;
  batteryMilliwattHours?(): Promise<bigint>;
  /** Asks whoever may say so; the smaller the priority, the more urgent. */
  isUpdateAuthorized?(priority: number, component: SuitComponent): Promise<boolean>;
  /** The version that the component asserts (version.ts); undefined when it asserts none. */
  versionOf?(component: SuitComponent, slot: number): Promise<readonly number[] | undefined>;
  /** Comes back when all of it has happened, or throws to be run again later. */
  waitFor?(events: WaitInfo, component: SuitComponent): Promise<void>;
}
