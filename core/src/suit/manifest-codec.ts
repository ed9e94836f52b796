/**
 * SUIT_Manifest (draft-ietf-suit-manifest-37 §8.4) from bytes to data and back, byte for byte. Call it only with a manifest
 * that is authenticated, or with one's own. Closed world: an element that is not listed in constants.ts refuses the
 * manifest. Severed members (§8.5) are checked against their digest and then read like the others.
 */
import { isCodedError, toHex } from '../bytes/index.ts';
import {
  type CborValue,
  decodeCbor,
  encodeCbor,
  expectArray,
  expectBytes,
  expectInt,
  expectMap,
  expectText,
  expectUint,
} from '../cbor/index.ts';
import {
  COMMON_KEYS,
  DEPENDENCY_KEYS,
  LIMITS,
  MANIFEST_KEYS,
  MANIFEST_VERSION,
  SECTIONS,
  type SectionName,
} from './constants.ts';
import { digestFromCbor, digestToCbor, verifyMember } from './digest.ts';
import { SuitError } from './errors.ts';
import { labelOf } from './label.ts';
import type { ComponentId, Dependency, Manifest, Sequence, Severable } from './manifest.ts';
import { decodeSequence, encodeSequence } from './sequence.ts';
import { decodeText } from './text.ts';

type Elements = ReadonlyMap<CborValue, CborValue>;
/** Severed members of the envelope, by key. */
export type Members = ReadonlyMap<number, Uint8Array>;

const SECTION_NAMES = Object.keys(SECTIONS) as SectionName[];
const KEYS_KNOWN: ReadonlySet<CborValue> = new Set([
  ...Object.values(MANIFEST_KEYS),
  ...Object.values(SECTIONS).map((section) => section.key),
]);
/** Keys that an envelope may carry beside authentication and manifest. */
export const SEVERABLE_KEYS: ReadonlySet<number> = new Set([
  MANIFEST_KEYS.coswid,
  MANIFEST_KEYS.text,
  ...Object.values(SECTIONS).flatMap((section) => (section.isSeverable ? [section.key] : [])),
]);

function expectKeys(elements: Elements, known: ReadonlySet<CborValue>, at: string): void {
  for (const key of elements.keys()) {
    if (!known.has(key)) throw new SuitError('SUIT_ELEMENT_UNSUPPORTED', { at, key: labelOf(key) });
  }
}

function decodeComponentId(value: CborValue): ComponentId {
  const parts = expectArray(value, 'components').map((part) => expectBytes(part, 'components'));
  const sizeBytes = parts.reduce((sum, part) => sum + part.length, 0);
  if (parts.length > LIMITS.componentIdPartsMax || sizeBytes > LIMITS.componentIdSizeBytesMax) {
    throw new SuitError('SUIT_LIMIT_EXCEEDED', { at: 'components', parts: parts.length, sizeBytes });
  }
  return parts;
}

function areDistinct(ids: readonly CborValue[]): boolean {
  return new Set(ids.map((id) => toHex(encodeCbor(id)))).size === ids.length;
}

function decodeComponents(value: CborValue): ComponentId[] {
  const entries = expectArray(value, 'components');
  if (entries.length > LIMITS.componentsMax) {
    throw new SuitError('SUIT_LIMIT_EXCEEDED', {
      at: 'components',
      limit: LIMITS.componentsMax,
      actual: entries.length,
    });
  }
  if (entries.length === 0 || !areDistinct(entries)) {
    throw new SuitError('SUIT_MANIFEST_MALFORMED', { at: 'components', expected: 'one or more, all different' });
  }
  return entries.map(decodeComponentId);
}

/** trust-domains §4.2.2: {+ index => {?1 prefix}}; what stands behind the components follows without a gap. */
function decodeDependencies(value: CborValue, components: readonly ComponentId[]): Dependency[] {
  const at = 'dependencies';
  const componentCount = components.length;
  const entries = [...expectMap(value, at)].map(([key, metadata]): Dependency => {
    const members = expectMap(metadata, at);
    expectKeys(members, new Set<CborValue>([DEPENDENCY_KEYS.prefix]), at);
    const prefix = members.get(DEPENDENCY_KEYS.prefix);
    const index = Number(expectUint(key, at));
    return { index, ...(prefix !== undefined && { prefix: decodeComponentId(prefix) }) };
  });
  const behind = entries.filter(({ index }) => index >= componentCount);
  const isDense = behind.every(({ index }, position) => index === componentCount + position);
  if (entries.length === 0 || !isDense || componentCount + behind.length > LIMITS.componentsMax) {
    throw new SuitError('SUIT_MANIFEST_MALFORMED', { at, expected: 'indices of components, or right behind them' });
  }
  // One component under two indices could be altered by one and be held to be verified by the other.
  const ids = [...components, ...behind.map(({ prefix = [] }) => prefix)];
  if (!areDistinct(ids.map((id) => [...id]))) {
    throw new SuitError('SUIT_MANIFEST_MALFORMED', { at, expected: 'identifiers that are all different' });
  }
  return entries;
}

class ManifestReader {
  readonly #elements: Elements;
  readonly #members: Members;
  readonly #used = new Set<number>();
  readonly #budget = { commands: 0 };

  constructor(elements: Elements, members: Members) {
    this.#elements = elements;
    this.#members = members;
  }

  read(): Manifest {
    expectKeys(this.#elements, KEYS_KNOWN, 'manifest');
    // §6.1: the encoding version is inspected first.
    const version = this.#elements.get(MANIFEST_KEYS.manifestVersion);
    if (version !== MANIFEST_VERSION) {
      throw new SuitError('SUIT_MANIFEST_MALFORMED', { at: 'manifest-version', expected: MANIFEST_VERSION });
    }
    const sequenceNumber = expectUint(this.#elements.get(MANIFEST_KEYS.sequenceNumber), 'manifest-sequence-number');
    const common = expectMap(decodeCbor(expectBytes(this.#elements.get(MANIFEST_KEYS.common), 'common')), 'common');
    expectKeys(common, new Set<CborValue>(Object.values(COMMON_KEYS)), 'common');
    const components = decodeComponents(common.get(COMMON_KEYS.components));
    const dependencyMap = common.get(COMMON_KEYS.dependencies);
    const dependencies = dependencyMap === undefined ? undefined : decodeDependencies(dependencyMap, components);
    const count = components.length + (dependencies?.filter(({ index }) => index >= components.length).length ?? 0);
    const shared = common.get(COMMON_KEYS.sharedSequence);
    const sharedSequence = shared === undefined ? undefined : this.#sequence('shared-sequence', shared, count);
    const sections = this.#sections(count);
    const manifest: Manifest = {
      sequenceNumber,
      components,
      ...(dependencies !== undefined && { dependencies }),
      ...(sharedSequence !== undefined && { sharedSequence }),
      sections,
      ...this.#plainElements(),
      ...this.#severableElements(components),
    };
    for (const key of this.#members.keys()) {
      // §8.5: a member of the envelope without a digest in the manifest is authenticated by nothing.
      if (!this.#used.has(key)) throw new SuitError('SUIT_ENVELOPE_MALFORMED', { at: 'severed member', key });
    }
    return manifest;
  }

  #sequence(at: string, value: CborValue, componentCount: number): Sequence {
    const isShared = at === 'shared-sequence';
    const bytes = expectBytes(value, at);
    const { byteOffset } = bytes;
    return decodeSequence(bytes, { at, componentCount, isShared, depth: 0, budget: this.#budget, byteOffset });
  }

  #sections(componentCount: number): Map<SectionName, Severable<Sequence>> {
    const sections = new Map<SectionName, Severable<Sequence>>();
    for (const name of SECTION_NAMES) {
      const { key, isSeverable } = SECTIONS[name];
      const element = this.#elements.get(key);
      if (element === undefined) continue;
      if (isSeverable) {
        sections.set(
          name,
          this.#severable(key, name, (bytes) => this.#sequence(name, bytes, componentCount)),
        );
      } else sections.set(name, { value: this.#sequence(name, element, componentCount) });
    }
    return sections;
  }

  #severable<T>(key: number, at: string, decode: (bytes: Uint8Array) => T): Severable<T> {
    const element = this.#elements.get(key);
    if (element instanceof Uint8Array) return { value: decode(element) };
    const severed = digestFromCbor(element, at);
    const member = this.#members.get(key);
    if (member === undefined) return { severed };
    verifyMember(member, severed, at);
    this.#used.add(key);
    return { severed, value: decode(member) };
  }

  #plainElements(): Pick<Manifest, 'referenceUri' | 'componentId' | 'setVersion'> {
    const referenceUri = this.#elements.get(MANIFEST_KEYS.referenceUri);
    const setVersion = this.#elements.get(MANIFEST_KEYS.setVersion);
    const componentId = this.#elements.get(MANIFEST_KEYS.componentId);
    return {
      ...(referenceUri !== undefined && { referenceUri: decodeReferenceUri(referenceUri) }),
      ...(componentId !== undefined && { componentId: decodeComponentId(componentId) }),
      ...(setVersion !== undefined && { setVersion: decodeSetVersion(setVersion) }),
    };
  }

  #severableElements(components: readonly ComponentId[]): Pick<Manifest, 'coswid' | 'text'> {
    const readText = (bytes: Uint8Array): Uint8Array => {
      decodeText(bytes, components);
      return bytes;
    };
    const has = (key: number): boolean => this.#elements.has(key);
    return {
      ...(has(MANIFEST_KEYS.coswid) && { coswid: this.#severable(MANIFEST_KEYS.coswid, 'coswid', (bytes) => bytes) }),
      ...(has(MANIFEST_KEYS.text) && { text: this.#severable(MANIFEST_KEYS.text, 'text', readText) }),
    };
  }
}

function decodeReferenceUri(value: CborValue): string {
  const uri = expectText(value, 'reference-uri');
  if (uri.length > LIMITS.uriCharsMax) throw new SuitError('SUIT_LIMIT_EXCEEDED', { at: 'reference-uri' });
  return uri;
}

function decodeSetVersion(value: CborValue): number[] {
  const at = 'set-version';
  const parts = expectArray(decodeCbor(expectBytes(value, at)), at).map((part) => expectInt(part, at));
  if (parts.length === 0 || parts.length > LIMITS.versionPartsMax) {
    throw new SuitError('SUIT_MANIFEST_MALFORMED', { at });
  }
  return parts;
}

/** Turns every coding error of a lower floor into one of this part; errors of this part stay as they are. */
export function codingAs<T>(
  code: 'SUIT_MANIFEST_MALFORMED' | 'SUIT_ENVELOPE_MALFORMED' | 'SUIT_REPORT_MALFORMED',
  work: () => T,
): T {
  try {
    return work();
  } catch (error) {
    if (!isCodedError(error) || error instanceof SuitError) throw error;
    throw new SuitError(code, { reason: error.code }, error);
  }
}

/**
 * Reads an authenticated manifest.
 * @throws SuitError SUIT_MANIFEST_MALFORMED, SUIT_LIMIT_EXCEEDED, SUIT_ELEMENT_UNSUPPORTED, SUIT_COMMAND_UNSUPPORTED,
 * SUIT_PARAMETER_UNSUPPORTED, SUIT_RULE_VIOLATED, SUIT_DIGEST_MISMATCH (severed members)
 */
export function parseManifest(bytes: Uint8Array, members: Members = new Map()): Manifest {
  if (bytes.length > LIMITS.manifestSizeBytesMax) {
    throw new SuitError('SUIT_LIMIT_EXCEEDED', {
      at: 'manifest',
      limit: LIMITS.manifestSizeBytesMax,
      actual: bytes.length,
    });
  }
  return codingAs('SUIT_MANIFEST_MALFORMED', () =>
    new ManifestReader(expectMap(decodeCbor(bytes), 'manifest'), members).read(),
  );
}

function encodeSeverable<T>(member: Severable<T> | undefined, encode: (value: T) => Uint8Array): CborValue {
  if (member?.severed !== undefined) return digestToCbor(member.severed);
  return member?.value === undefined ? undefined : encode(member.value);
}

/** Writes a manifest; `parseManifest` of the result gives the same data. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const dependencies = manifest.dependencies?.map(({ index, prefix }): [CborValue, CborValue] => [
    index,
    new Map<CborValue, CborValue>(prefix === undefined ? [] : [[DEPENDENCY_KEYS.prefix, [...prefix]]]),
  ]);
  const common = new Map<CborValue, CborValue>([
    [COMMON_KEYS.dependencies, dependencies && new Map(dependencies)],
    [COMMON_KEYS.components, manifest.components.map((id) => [...id])],
    [COMMON_KEYS.sharedSequence, manifest.sharedSequence && encodeSequence(manifest.sharedSequence)],
  ]);
  const elements = new Map<CborValue, CborValue>([
    [MANIFEST_KEYS.manifestVersion, MANIFEST_VERSION],
    [MANIFEST_KEYS.sequenceNumber, manifest.sequenceNumber],
    [MANIFEST_KEYS.common, encodeCbor(withoutAbsent(common))],
    [MANIFEST_KEYS.referenceUri, manifest.referenceUri],
    [MANIFEST_KEYS.componentId, manifest.componentId && [...manifest.componentId]],
    [MANIFEST_KEYS.setVersion, manifest.setVersion && encodeCbor([...manifest.setVersion])],
    [MANIFEST_KEYS.coswid, encodeSeverable(manifest.coswid, (bytes) => bytes)],
    [MANIFEST_KEYS.text, encodeSeverable(manifest.text, (bytes) => bytes)],
    ...SECTION_NAMES.map((name): [CborValue, CborValue] => [
      SECTIONS[name].key,
      encodeSeverable(manifest.sections.get(name), encodeSequence),
    ]),
  ]);
  return encodeCbor(withoutAbsent(elements));
}

function withoutAbsent(map: ReadonlyMap<CborValue, CborValue>): Map<CborValue, CborValue> {
  return new Map([...map].filter(([, value]) => value !== undefined));
}
