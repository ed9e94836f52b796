/**
 * Writes down what the manifest processor did, as its reporting policies ask (draft-ietf-suit-manifest-37 §8.4.7), in the
 * records of draft-ietf-suit-report-18 §3: enough to replay the manifest, and nothing that the manifest says itself.
 */
import { LIMITS, MANIFEST_KEYS, REPORT_BITS, SECTIONS, type SectionName } from './constants.ts';
import type { CommandOutcome } from './machine.ts';
import type { ComponentId } from './manifest.ts';
import type { Parameters } from './parameters.ts';
import { offsetOf } from './sequence.ts';

/** One decision, and where in the manifest tree it was taken. */
export type SuitRecord = {
  /** Ordinals of dependencies from the root manifest; empty for the root itself. */
  readonly path: readonly number[];
  /** Key of the section; the shared sequence stands under the key of common, since it has no section of its own. */
  readonly section: number;
  /** Bytes into the sequence. */
  readonly offset: number;
  readonly componentIndex: number;
  /** What was measured. */
  readonly properties: Parameters;
};

/** What a component was found to be. */
export type SystemClaim = { readonly componentId: ComponentId; readonly properties: Parameters };

export type RecorderPlace = { readonly path: readonly number[]; readonly section: SectionName | 'shared-sequence' };

/** Gathers the records of one procedure. */
export class SuitRecorder {
  readonly #entries: (SuitRecord | SystemClaim)[] = [];
  #failed: SuitRecord | undefined;

  /** Records and claims, in the order in which they came. */
  get entries(): readonly (SuitRecord | SystemClaim)[] {
    return this.#entries;
  }

  /** The last command that failed, whether its policy asked for a record or not. */
  get failed(): SuitRecord | undefined {
    return this.#failed;
  }

  note({ command, component, isSuccess, measured }: CommandOutcome, { path, section }: RecorderPlace): void {
    const record: SuitRecord = {
      path,
      section: section === 'shared-sequence' ? MANIFEST_KEYS.common : SECTIONS[section].key,
      offset: offsetOf(command) ?? 0,
      componentIndex: component.index,
      properties: measured,
    };
    if (!isSuccess) this.#failed = record;
    const { policy } = command;
    const recordBit = isSuccess ? REPORT_BITS.recordSuccess : REPORT_BITS.recordFailure;
    const systemBit = isSuccess ? REPORT_BITS.systemSuccess : REPORT_BITS.systemFailure;
    if ((policy & recordBit) !== 0) this.#push(record);
    if ((policy & systemBit) !== 0 && Object.keys(measured).length > 0) {
      this.#push({ componentId: component.id, properties: measured });
    }
  }

  #push(entry: SuitRecord | SystemClaim): void {
    // A loop may fill the memory of a small device: the first records tell where it began.
    if (this.#entries.length < LIMITS.recordsMax) this.#entries.push(entry);
  }
}
