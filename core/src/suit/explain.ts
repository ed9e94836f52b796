/**
 * An envelope in words, for people: every element with its byte offset and its name. NOTHING here is verified, and nothing
 * that is not understood is refused: what cannot be named is shown as it is. Never decide by it.
 */
import { quote, toHex } from '../bytes/index.ts';
import { type CborNode, CborTag, type CborValue, walkCbor } from '../cbor/index.ts';
import { SIGNATURE_ALGORITHM_NAMES, SIGNATURE_ALGORITHMS } from '../crypto/index.ts';
import {
  ACTIONS,
  COMMON_KEYS,
  CONDITIONS,
  CONTROLS,
  DEPENDENCY_KEYS,
  ENVELOPE_KEYS,
  LIMITS,
  MANIFEST_KEYS,
  PARAMETERS,
  SECTIONS,
} from './constants.ts';

/** One line of an explanation. */
export type ExplainedLine = { readonly offset: number; readonly depth: number; readonly text: string };

const BYTES_SHOWN = 24;
const DEPTH_MAX = 24;

/** How the content of an item is to be read: a map with named keys, a byte string that holds CBOR, a list, a sequence. */
type Shape =
  | { readonly kind: 'map'; readonly names: ReadonlyMap<CborValue, Member>; readonly other?: Shape }
  | { readonly kind: 'wrapped'; readonly inner: Shape }
  | { readonly kind: 'list'; readonly of: readonly Member[]; readonly rest?: Member }
  | { readonly kind: 'sequence' }
  | { readonly kind: 'digest' }
  | { readonly kind: 'leaf' };
type Member = { readonly name: string; readonly shape: Shape };

const LEAF: Shape = { kind: 'leaf' };
const DIGEST: Shape = { kind: 'digest' };
const wrapped = (inner: Shape): Shape => ({ kind: 'wrapped', inner });
const SEQUENCE: Shape = wrapped({ kind: 'sequence' });

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function mapOf(entries: readonly (readonly [number, string, Shape?])[], other?: Shape): Shape {
  const names = new Map(entries.map(([key, name, shape = LEAF]) => [key as CborValue, { name, shape }]));
  return { kind: 'map', names, ...(other !== undefined && { other }) };
}

const NAME_OF_ALGORITHM: ReadonlyMap<CborValue, string> = new Map<CborValue, string>([
  [-16, 'SHA-256'],
  [-43, 'SHA-384'],
  [-44, 'SHA-512'],
  [-18, 'SHAKE128'],
  [-45, 'SHAKE256'],
  [5, 'HMAC 256/256'],
  [1, 'A128GCM'],
  [3, 'A256GCM'],
  [24, 'ChaCha20/Poly1305'],
  [-65534, 'A128CTR'],
  [-65532, 'A256CTR'],
  [-3, 'A128KW'],
  [-5, 'A256KW'],
  [-29, 'ECDH-ES+A128KW'],
  [-31, 'ECDH-ES+A256KW'],
  ...SIGNATURE_ALGORITHM_NAMES.flatMap((name) =>
    SIGNATURE_ALGORITHMS[name].coseAlgAccepted.map((alg): [CborValue, string] => [alg, name]),
  ),
]);

const ALGORITHM: Shape = { kind: 'map', names: new Map() };
const HEADERS = mapOf([
  [1, 'algorithm', ALGORITHM],
  [3, 'content-type'],
  [4, 'key-id'],
  [5, 'nonce'],
  [-1, 'ephemeral-key'],
]);
const PROTECTED = { name: 'protected', shape: wrapped(HEADERS) };
const UNPROTECTED = { name: 'unprotected', shape: HEADERS };
const RECIPIENT: Shape = { kind: 'list', of: [PROTECTED, UNPROTECTED, { name: 'wrapped-key', shape: LEAF }] };
const COSE: Shape = {
  kind: 'list',
  of: [PROTECTED, UNPROTECTED, { name: 'payload', shape: LEAF }, { name: 'signature', shape: LEAF }],
};
const ENCRYPT: Shape = {
  kind: 'list',
  of: [
    PROTECTED,
    UNPROTECTED,
    { name: 'ciphertext', shape: LEAF },
    { name: 'recipients', shape: { kind: 'list', of: [], rest: { name: 'recipient', shape: RECIPIENT } } },
  ],
};

const PARAMETER_SHAPES: Readonly<Record<string, Shape>> = {
  imageDigest: wrapped(DIGEST),
  encryptionInfo: wrapped(ENCRYPT),
};
const PARAMETER_MAP = mapOf(
  Object.entries(PARAMETERS).map(([name, key]) => [key, kebab(name), PARAMETER_SHAPES[name] ?? LEAF] as const),
);
const COMMAND_OF: ReadonlyMap<CborValue, string> = new Map<CborValue, string>([
  ...Object.entries(CONDITIONS).map(([name, code]): [CborValue, string] => [code, `condition ${name}`]),
  ...Object.entries(ACTIONS).map(([name, code]): [CborValue, string] => [code, `directive ${name}`]),
  ...Object.entries(CONTROLS).map(([name, code]): [CborValue, string] => [code, `directive ${name}`]),
]);

/** Commands whose argument has a form of its own. */
const COMMAND_SHAPES: ReadonlyMap<CborValue, Shape> = new Map<CborValue, Shape>([
  [CONTROLS['override-parameters'], PARAMETER_MAP],
  [CONTROLS['set-parameters'], PARAMETER_MAP],
  [CONTROLS['override-multiple'], mapOf([], PARAMETER_MAP)],
  [CONTROLS['try-each'], { kind: 'list', of: [], rest: { name: 'branch', shape: SEQUENCE } }],
  [CONTROLS['run-sequence'], SEQUENCE],
]);

const SECTION_MEMBERS = Object.entries(SECTIONS).map(([name, { key }]) => [key, name, SEQUENCE] as const);
const COMMON = mapOf([
  [COMMON_KEYS.dependencies, 'dependencies', mapOf([], mapOf([[DEPENDENCY_KEYS.prefix, 'prefix']]))],
  [COMMON_KEYS.components, 'components', { kind: 'list', of: [], rest: { name: 'component', shape: LEAF } }],
  [COMMON_KEYS.sharedSequence, 'shared-sequence', SEQUENCE],
]);
const MANIFEST = mapOf([
  [MANIFEST_KEYS.manifestVersion, 'manifest-version'],
  [MANIFEST_KEYS.sequenceNumber, 'manifest-sequence-number'],
  [MANIFEST_KEYS.common, 'common', wrapped(COMMON)],
  [MANIFEST_KEYS.referenceUri, 'reference-uri'],
  [MANIFEST_KEYS.componentId, 'manifest-component-id'],
  [MANIFEST_KEYS.setVersion, 'set-version', wrapped(LEAF)],
  [MANIFEST_KEYS.coswid, 'coswid'],
  [MANIFEST_KEYS.text, 'text', wrapped(LEAF)],
  ...SECTION_MEMBERS,
]);
const AUTHENTICATION: Shape = {
  kind: 'list',
  of: [{ name: 'digest', shape: wrapped(DIGEST) }],
  rest: { name: 'authentication-block', shape: wrapped(COSE) },
};
const ENVELOPE = mapOf([
  [ENVELOPE_KEYS.authentication, 'authentication-wrapper', wrapped(AUTHENTICATION)],
  [ENVELOPE_KEYS.manifest, 'manifest', wrapped(MANIFEST)],
  [MANIFEST_KEYS.text, 'text (severed)', wrapped(LEAF)],
  [MANIFEST_KEYS.coswid, 'coswid (severed)'],
  ...SECTION_MEMBERS.map(([key, name, shape]) => [key, `${name} (severed)`, shape] as const),
]);

function showBytes(bytes: Uint8Array): string {
  const shown = toHex(bytes.subarray(0, BYTES_SHOWN));
  const isPrintable =
    bytes.length > 0 && bytes.length <= BYTES_SHOWN && bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  const text = isPrintable ? ` ${quote(String.fromCharCode(...bytes))}` : '';
  return bytes.length > BYTES_SHOWN ? `h'${shown}…' (${bytes.length} bytes)` : `h'${shown}'${text}`;
}

/** An item on one line. */
function show(value: CborValue): string {
  if (value instanceof Uint8Array) return showBytes(value);
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (value instanceof Map) return `{${[...value].map(([key, each]) => `${show(key)}: ${show(each)}`).join(', ')}}`;
  if (value instanceof CborTag) return `${value.tag}(${show(value.value)})`;
  return typeof value === 'string' ? quote(value) : String(value);
}

class Explainer {
  readonly lines: ExplainedLine[] = [];

  #say(offset: number, depth: number, text: string): void {
    this.lines.push({ offset, depth, text });
  }

  explain(
    name: string,
    shape: Shape,
    place: { readonly node: CborNode; readonly base: number; readonly depth: number },
  ): void {
    const { node, base, depth } = place;
    const { value } = node;
    const at = base + node.start;
    if (value instanceof CborTag && node.children[0] !== undefined) {
      this.explain(`${name}, tag ${value.tag}`, shape, { node: node.children[0], base, depth });
    } else if (shape === ALGORITHM)
      this.#say(at, depth, `${name}: ${show(value)} ${NAME_OF_ALGORITHM.get(value) ?? ''}`);
    else if (shape.kind === 'digest' && Array.isArray(value)) this.#explainDigest(name, place);
    else if (depth >= DEPTH_MAX) this.#say(at, depth, `${name}: …`);
    else if (shape.kind === 'wrapped') this.#explainWrapped(name, shape.inner, place);
    else if (shape.kind === 'map' && value instanceof Map) this.#explainMap(name, shape, place);
    else if (shape.kind === 'list' && Array.isArray(value)) this.#explainList(name, shape, place);
    else if (shape.kind === 'sequence' && Array.isArray(value)) this.#explainSequence(name, place);
    else this.#say(at, depth, `${name}: ${show(value)}`);
  }

  #explainDigest(name: string, { node, base, depth }: { node: CborNode; base: number; depth: number }): void {
    const [algorithm, bytes] = node.value as CborValue[];
    const label = NAME_OF_ALGORITHM.get(algorithm) ?? show(algorithm);
    this.#say(
      base + node.start,
      depth,
      `${name}: ${label} ${bytes instanceof Uint8Array ? toHex(bytes) : show(bytes)}`,
    );
  }

  #explainWrapped(name: string, inner: Shape, place: { node: CborNode; base: number; depth: number }): void {
    const { node, base, depth } = place;
    const { value } = node;
    // A member that was cut out leaves its digest.
    if (Array.isArray(value)) this.explain(`${name} (digest of the severed member)`, DIGEST, place);
    else if (!(value instanceof Uint8Array) || value.length === 0) this.explain(name, LEAF, place);
    else {
      const child = walkOrNothing(value);
      if (child === undefined) this.explain(name, LEAF, place);
      else this.explain(name, inner, { node: child, base: base + node.contentStart, depth });
    }
  }

  #explainMap(
    name: string,
    shape: Extract<Shape, { kind: 'map' }>,
    { node, base, depth }: { node: CborNode; base: number; depth: number },
  ): void {
    this.#say(base + node.start, depth, name);
    for (let at = 0; at + 1 < node.children.length; at += 2) {
      const [key, value] = [node.children[at], node.children[at + 1]];
      if (key === undefined || value === undefined) continue;
      const member = shape.names.get(key.value) ?? { name: show(key.value), shape: shape.other ?? LEAF };
      this.explain(member.name, member.shape, { node: value, base, depth: depth + 1 });
    }
  }

  #explainList(
    name: string,
    shape: Extract<Shape, { kind: 'list' }>,
    { node, base, depth }: { node: CborNode; base: number; depth: number },
  ): void {
    this.#say(base + node.start, depth, name);
    for (const [index, child] of node.children.entries()) {
      const member = shape.of[index] ?? { name: shape.rest?.name ?? 'item', shape: shape.rest?.shape ?? LEAF };
      const label = index < shape.of.length ? member.name : `${member.name} ${index - shape.of.length}`;
      this.explain(label, member.shape, { node: child, base, depth: depth + 1 });
    }
  }

  #explainSequence(name: string, { node, base, depth }: { node: CborNode; base: number; depth: number }): void {
    this.#say(base + node.start, depth, name);
    for (let at = 0; at + 1 < node.children.length; at += 2) {
      const [code, argument] = [node.children[at], node.children[at + 1]];
      if (code === undefined || argument === undefined) continue;
      this.#explainCommand(code, { node: argument, base, depth: depth + 1 });
    }
  }

  #explainCommand(code: CborNode, place: { node: CborNode; base: number; depth: number }): void {
    const name = COMMAND_OF.get(code.value) ?? `command ${show(code.value)}`;
    const { node, base, depth } = place;
    const shown = { node: { ...node, start: code.start }, base, depth };
    const shape = COMMAND_SHAPES.get(code.value);
    if (shape !== undefined) this.explain(name, shape, shown);
    else this.#say(base + code.start, depth, `${name} ${show(node.value)}`);
  }
}

function walkOrNothing(bytes: Uint8Array): CborNode | undefined {
  try {
    return walkCbor(bytes, { order: 'any', sizeBytesMax: LIMITS.envelopeSizeBytesMax });
  } catch {
    return undefined;
  }
}

/**
 * Explains an envelope, tagged or not. Integrated payloads are shown by their size only.
 * @throws CborError when the outermost bytes are no CBOR of the profile
 */
export function explainEnvelope(bytes: Uint8Array): ExplainedLine[] {
  const node = walkCbor(bytes, { order: 'any', sizeBytesMax: EXPLAINED_SIZE_BYTES_MAX });
  const explainer = new Explainer();
  explainer.explain('SUIT envelope', ENVELOPE, { node, base: 0, depth: 0 });
  return explainer.lines;
}

const EXPLAINED_SIZE_BYTES_MAX = 64 * 1024 * 1024;
