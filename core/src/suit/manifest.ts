/**
 * The manifest as data: what `parseManifest` makes from bytes and `encodeManifest` turns back into the same bytes.
 */
import type { ActionName, ConditionName, SectionName } from './constants.ts';
import type { SuitDigest } from './digest.ts';
import type { ParameterName, Parameters } from './parameters.ts';

export type ComponentId = readonly Uint8Array[];

export type Command =
  | { readonly kind: 'condition'; readonly name: ConditionName; readonly policy: number }
  | { readonly kind: 'action'; readonly name: ActionName; readonly policy: number }
  | { readonly kind: 'set-component-index'; readonly index: number | true | readonly number[] }
  | { readonly kind: 'override-parameters' | 'set-parameters'; readonly parameters: Parameters }
  | { readonly kind: 'override-multiple'; readonly entries: readonly OverrideEntry[] }
  | { readonly kind: 'copy-params'; readonly entries: readonly CopyEntry[] }
  | { readonly kind: 'try-each'; readonly sequences: readonly Sequence[]; readonly hasEmptyEnd: boolean }
  | { readonly kind: 'run-sequence'; readonly sequence: Sequence };

/** Parameters for one component of an override-multiple. */
export type OverrideEntry = { readonly index: number; readonly parameters: Parameters };
/** The parameters that copy-params takes from one component. */
export type CopyEntry = { readonly index: number; readonly names: readonly ParameterName[] };

export type Sequence = readonly Command[];

/** A member that may be cut out: `severed` is its digest in the manifest, `value` is there when the bytes are. */
export type Severable<T> = { readonly severed?: SuitDigest; readonly value?: T };

/** A component that holds the envelope of another manifest; `prefix` says where that manifest's components lie. */
export type Dependency = { readonly index: number; readonly prefix?: ComponentId };

export type Manifest = {
  readonly sequenceNumber: bigint;
  readonly components: readonly ComponentId[];
  /** By component index; an index behind the last component is one of its own, named by its prefix. */
  readonly dependencies?: readonly Dependency[];
  /** Where a root manifest is stored. */
  readonly componentId?: ComponentId;
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

/** What an index stands for. */
export type IndexedComponent = { readonly index: number; readonly id: ComponentId; readonly isDependency: boolean };

/** Every component that commands can select, dependencies included, by index. */
export function indexedComponents({ components, dependencies = [] }: Manifest): IndexedComponent[] {
  const own = components.map((id, index) => ({
    index,
    id,
    isDependency: dependencies.some((dependency) => dependency.index === index),
  }));
  const others = dependencies
    .filter(({ index }) => index >= components.length)
    .map(({ index, prefix = [] }) => ({ index, id: prefix, isDependency: true }));
  return [...own, ...others];
}
