/**
 * What a manifest installs, read off without running it, for the checks at publishing and for the agent's comparison with
 * the signed list of releases (DESIGN, Trust, step 2).
 *
 * The walk follows common and install as every device would: a value that depends on a branch is *open*, and whoever needs
 * an open value refuses the manifest. So two devices can never be told different things by what is described as one.
 */
import { isDeepStrictEqual } from 'node:util';
import { type ActionName, type ConditionName, LIMITS, SECTIONS, type SectionName } from './constants.ts';
import { SHA_256 } from './digest.ts';
import { SuitError } from './errors.ts';
import type { Command, Manifest, Sequence } from './manifest.ts';
import type { ParameterName, Parameters, ParameterValues } from './parameters.ts';
import { expectPayloadUri } from './uri.ts';
import type { VerifiedManifest } from './verified-manifest.ts';
import { decodeVersion } from './version.ts';

/** A payload that install fetches. */
export type PayloadDescription = {
  /** Plain file name beside the envelope, or "#name". */
  readonly uri: string;
  /** COSE_Encrypt of the payload; absent when it is not encrypted. */
  readonly encryptionInfo?: Uint8Array;
};

/** What a manifest installs, as plain data. */
export type ManifestDescription = {
  readonly vendorId: Uint8Array;
  readonly classId: Uint8Array;
  readonly sequenceNumber: bigint;
  readonly securityCounter: bigint;
  /** Semantic version of set-version. */
  readonly version: string;
  /** SHA-256 of the plaintext image. */
  readonly imageDigest: Uint8Array;
  readonly imageSizeBytes: number;
  readonly payloads: readonly PayloadDescription[];
};

type Fetched = { readonly component: number; readonly uri: string; encryptionInfo?: Uint8Array; isCopied: boolean };
/** Parameters of one component, and those whose value depends on a branch. */
type Known = { readonly values: Parameters; readonly open: ReadonlySet<string> };
type State = { known: Known[]; current: readonly number[] };

function ambiguous(what: string): SuitError {
  return new SuitError('SUIT_MANIFEST_AMBIGUOUS', { what });
}

type Facts = { -readonly [Name in ParameterName]?: ParameterValues[Name] };

function note<Name extends ParameterName>(facts: Facts, name: Name, value: ParameterValues[Name]): void {
  facts[name] = value;
}

/** Conditions that may stand in a branch: they choose, and say nothing about what is installed. */
const CHOOSING: ReadonlySet<ConditionName> = new Set(['component-slot', 'abort', 'check-content']);

/** Directives whose effect a description does not hold. */
const UNDESCRIBED: ReadonlySet<ActionName> = new Set(['process-dependency', 'swap', 'unlink', 'write']);

/** Sections that start what install brought. The description is of install, so nothing may be altered in them. */
const SECTIONS_STARTING: readonly SectionName[] = ['validate', 'load', 'invoke'];
const HARMLESS: ReadonlySet<ActionName> = new Set(['invoke', 'wait']);

/** Sections that bring, check or remove something which a description does not hold. */
const SECTIONS_UNDESCRIBED: readonly SectionName[] = [
  'payload-fetch',
  'dependency-resolution',
  'candidate-verification',
  'uninstall',
];

function joinKnown(a: Known, b: Known): Known {
  const open = new Set([...a.open, ...b.open]);
  const names = new Set([...Object.keys(a.values), ...Object.keys(b.values)]) as Set<ParameterName>;
  for (const name of names) if (!isDeepStrictEqual(a.values[name], b.values[name])) open.add(name);
  return { values: { ...a.values, ...b.values }, open };
}

function joinStates(a: State, b: State): State {
  // A branch that leaves another component current makes everything after it depend on the branch.
  if (a.current.join() !== b.current.join()) throw ambiguous('component index after a branch');
  const nothing: Known = { values: {}, open: new Set() };
  return { current: a.current, known: a.known.map((known, i) => joinKnown(known, b.known[i] ?? nothing)) };
}

/** The first directive of a sequence, or of one inside it, that alters a component. */
function alteringIn(sequence: Sequence): ActionName | undefined {
  for (const command of sequence) {
    if (command.kind === 'action' && !HARMLESS.has(command.name)) return command.name;
    const inner = command.kind === 'run-sequence' ? [command.sequence] : [];
    const found = (command.kind === 'try-each' ? command.sequences : inner).map(alteringIn).find(Boolean);
    if (found !== undefined) return found;
  }
  return undefined;
}

class Walker {
  #state: State;
  readonly #facts: Facts = {};
  #steps = 0;
  readonly #copied: Pick<ParameterValues, 'imageDigest' | 'imageSizeBytes'>[] = [];
  readonly fetched: Fetched[] = [];

  constructor(manifest: Manifest) {
    const { components } = manifest;
    this.#state = {
      known: components.map(() => ({ values: {}, open: new Set() })),
      current: components.length === 1 ? [0] : [],
    };
  }

  fact<Name extends ParameterName>(name: Name): ParameterValues[Name] {
    const value = this.#facts[name];
    if (value === undefined) throw ambiguous(`${name} is not checked`);
    return value;
  }

  /** A copy is judged by the digest of its own, before or after the one that is checked: they must be one. */
  refuseOtherCopies(): void {
    const image = { imageDigest: this.fact('imageDigest'), imageSizeBytes: this.fact('imageSizeBytes') };
    if (!this.#copied.every((copy) => isDeepStrictEqual(copy, image))) throw ambiguous('a copy of another image');
  }

  walk(sequence: Sequence, isBranch: boolean): void {
    for (const command of sequence) this.#step(command, isBranch);
  }

  #step(command: Command, isBranch: boolean): void {
    this.#steps += 1;
    // Loops inside loops multiply, as they do when they run.
    if (this.#steps > LIMITS.executedMax) throw new SuitError('SUIT_LIMIT_EXCEEDED', { at: 'description' });
    switch (command.kind) {
      case 'set-component-index':
        this.#select(command.index);
        break;
      case 'override-parameters':
      case 'set-parameters':
        this.#assign(command.kind, command.parameters);
        break;
      case 'condition':
        if (isBranch && !CHOOSING.has(command.name)) throw ambiguous(`${command.name} in a branch`);
        for (const index of this.#state.current) this.#check(command.name, index);
        break;
      case 'action':
        if (isBranch) throw ambiguous(`${command.name} in a branch`);
        for (const index of this.#state.current) this.#act(command.name, index);
        break;
      case 'try-each':
        this.#eachComponent(() => this.#tryEach(command));
        break;
      case 'override-multiple':
      case 'copy-params':
        // One way to say a thing: what is described names each component before it speaks of it.
        throw ambiguous(command.kind);
      case 'run-sequence':
        this.#eachComponent(() => this.#runSequence(command.sequence, isBranch));
        break;
    }
  }

  #select(index: number | true | readonly number[]): void {
    const all = this.#state.known.map((_, i) => i);
    this.#state.current = index === true ? all : typeof index === 'number' ? [index] : index;
  }

  #assign(kind: 'override-parameters' | 'set-parameters', given: Parameters): void {
    for (const index of this.#state.current) {
      const { values, open } = this.#known(index);
      const isOverride = kind === 'override-parameters';
      const merged = isOverride ? { ...values, ...given } : { ...given, ...values };
      // set-parameters leaves an open value open: whether it was set depends on the branch.
      const stillOpen = isOverride ? new Set([...open].filter((name) => !(name in given))) : open;
      this.#state.known[index] = { values: merged, open: stillOpen };
    }
  }

  #known(index: number): Known {
    return this.#state.known[index] ?? { values: {}, open: new Set() };
  }

  #value<Name extends ParameterName>(name: Name, index: number): ParameterValues[Name] | undefined {
    const { values, open } = this.#known(index);
    if (open.has(name)) throw ambiguous(`${name} depends on a branch`);
    return values[name];
  }

  #need<Name extends ParameterName>(name: Name, index: number): ParameterValues[Name] {
    const value = this.#value(name, index);
    if (value === undefined) throw ambiguous(`${name} is not set`);
    return value;
  }

  #learn<Name extends ParameterName>(name: Name, index: number): void {
    const value = this.#need(name, index);
    const earlier: ParameterValues[Name] | undefined = this.#facts[name];
    if (earlier !== undefined && !isDeepStrictEqual(earlier, value)) throw ambiguous(`${name} has two values`);
    note(this.#facts, name, value);
  }

  #check(name: ConditionName, index: number): void {
    if (name === 'vendor-identifier') this.#learn('vendorId', index);
    else if (name === 'class-identifier') this.#learn('classId', index);
    else if (name === 'security-counter') this.#learn('securityCounter', index);
    else if (name === 'image-match') {
      this.#learn('imageDigest', index);
      this.#learn('imageSizeBytes', index);
    }
  }

  #act(name: Extract<Command, { kind: 'action' }>['name'], index: number): void {
    if (UNDESCRIBED.has(name)) throw ambiguous(name);
    if (name === 'fetch') {
      const uri = this.#need('uri', index);
      expectPayloadUri(uri);
      this.fetched.push({ component: index, uri, isCopied: false });
    } else if (name === 'copy') this.#copy(index);
  }

  #copy(index: number): void {
    const source = this.#need('sourceComponent', index);
    this.#copied.push({
      imageDigest: this.#need('imageDigest', index),
      imageSizeBytes: this.#need('imageSizeBytes', index),
    });
    const encryptionInfo = this.#value('encryptionInfo', index);
    const payload = this.fetched.findLast((entry) => entry.component === source);
    if (payload === undefined) return;
    if (payload.isCopied && !isDeepStrictEqual(payload.encryptionInfo, encryptionInfo)) {
      throw ambiguous('encryption of a payload that is copied twice');
    }
    payload.isCopied = true;
    if (encryptionInfo !== undefined) payload.encryptionInfo = encryptionInfo;
  }

  #eachComponent(run: () => void): void {
    const outer = this.#state.current;
    if (outer.length === 1) {
      run();
      return;
    }
    for (const index of outer) {
      this.#state.current = [index];
      run();
    }
    this.#state.current = outer;
  }

  #tryEach(command: Extract<Command, { kind: 'try-each' }>): void {
    const before = this.#copyState();
    let joined: State | undefined = command.hasEmptyEnd ? before : undefined;
    for (const sequence of command.sequences) {
      this.#state = { known: [...before.known], current: before.current };
      this.walk(sequence, true);
      joined = joined === undefined ? this.#state : joinStates(joined, this.#state);
    }
    this.#state = joined ?? before;
  }

  /** A run-sequence that may end early by soft-failure is a branch; else it is a part of its surroundings. */
  #runSequence(sequence: Sequence, isBranch: boolean): void {
    const maySkip = sequence.some((command) => 'parameters' in command && command.parameters.softFailure === true);
    const before = this.#copyState();
    this.walk(sequence, isBranch || maySkip);
    if (maySkip) this.#state = joinStates(before, this.#state);
  }

  #copyState(): State {
    return { known: [...this.#state.known], current: this.#state.current };
  }
}

/**
 * Says what a verified manifest installs, or refuses when that is not one clear thing.
 * @throws SuitError SUIT_MANIFEST_AMBIGUOUS, SUIT_SECTION_MISSING, SUIT_VERSION_INVALID, SUIT_URI_UNSUPPORTED,
 * SUIT_LIMIT_EXCEEDED
 */
export function describeManifest(verified: VerifiedManifest): ManifestDescription {
  const manifest = verified.content;
  const install = manifest.sections.get('install')?.value;
  if (install === undefined)
    throw new SuitError('SUIT_SECTION_MISSING', { section: 'install', key: SECTIONS.install.key });
  const undescribed = SECTIONS_UNDESCRIBED.find((name) => manifest.sections.has(name));
  if (undescribed !== undefined) throw ambiguous(undescribed);
  if (manifest.dependencies !== undefined) throw ambiguous('dependencies');
  for (const name of SECTIONS_STARTING) {
    const altering = alteringIn(manifest.sections.get(name)?.value ?? []);
    if (altering !== undefined) throw ambiguous(`${altering} in ${name}`);
  }
  const walker = new Walker(manifest);
  walker.walk(manifest.sharedSequence ?? [], false);
  walker.walk(install, false);
  walker.refuseOtherCopies();
  const imageDigest = walker.fact('imageDigest');
  if (imageDigest.algorithm !== SHA_256) throw ambiguous('image digest is not SHA-256');
  if (manifest.setVersion === undefined) throw ambiguous('set-version is missing');
  return {
    vendorId: walker.fact('vendorId'),
    classId: walker.fact('classId'),
    sequenceNumber: verified.sequenceNumber,
    securityCounter: walker.fact('securityCounter'),
    version: decodeVersion(manifest.setVersion),
    imageDigest: imageDigest.bytes,
    imageSizeBytes: walker.fact('imageSizeBytes'),
    payloads: walker.fetched.map(({ uri, encryptionInfo }) => ({
      uri,
      ...(encryptionInfo !== undefined && { encryptionInfo }),
    })),
  };
}
