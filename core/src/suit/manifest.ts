/**
 * The manifest as data: what `parseManifest` makes from bytes and `encodeManifest` turns back into the same bytes.
 */
import type { ActionName, ConditionName, SectionName } from './constants.ts';
import type { SuitDigest } from './digest.ts';
import type { Parameters } from './parameters.ts';

export type ComponentId = readonly Uint8Array[];

export type Command =
  | { readonly kind: 'condition'; readonly name: ConditionName; readonly policy: number }
  | { readonly kind: 'action'; readonly name: ActionName; readonly policy: number }
  | { readonly kind: 'set-component-index'; readonly index: number | true | readonly number[] }
  | { readonly kind: 'override-parameters' | 'set-parameters'; readonly parameters: Parameters }
  | { readonly kind: 'try-each'; readonly sequences: readonly Sequence[]; readonly hasEmptyEnd: boolean }
  | { readonly kind: 'run-sequence'; readonly sequence: Sequence };

export type Sequence = readonly Command[];

/** A member that may be cut out: `severed` is its digest in the manifest, `value` is there when the bytes are. */
export type Severable<T> = { readonly severed?: SuitDigest; readonly value?: T };

export type Manifest = {
  readonly sequenceNumber: bigint;
  readonly components: readonly ComponentId[];
  readonly sharedSequence?: Sequence;
  readonly referenceUri?: string;
  /** Update-management version numbers, see version.ts. */
  readonly setVersion?: readonly number[];
  readonly sections: ReadonlyMap<SectionName, Severable<Sequence>>;
  /** Concise SWID tag, passed on as it is. */
  readonly coswid?: Severable<Uint8Array>;
  /** Text map as CBOR; checked, see text.ts. */
  readonly text?: Severable<Uint8Array>;
};
