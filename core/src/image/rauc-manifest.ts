/**
 * Manifests of RAUC bundles (RAUC documentation, "Manifest"): groups of `key=value` lines, as GLib's key files are written.
 * A group or key that stands twice is refused, so that every reader reads the same. The key of an encrypted payload is
 * checked for its form and never handed out.
 */
import { fromHex, fromUtf8, isCodedError } from '../bytes/index.ts';
import { ImageError } from './errors.ts';

const IMAGES_MAX = 256;
const IMAGE_PREFIX = 'image.';

export type RaucImage = {
  /** Slot class, with its variant where there is one; or the name of an artifact. */
  readonly slot: string;
  /** Absent when nothing is copied: an empty file system, or an install hook. */
  readonly file?: { readonly name: string; readonly sizeBytes: number; readonly sha256: string };
  readonly hooks: readonly string[];
  /** The bundle may hold what was made of the file in its place. */
  readonly isConverted?: true;
};

/** What a manifest says about the update. */
export type RaucUpdate = {
  readonly compatible: string;
  readonly version?: string;
  readonly description?: string;
  readonly build?: string;
  /** The program in the bundle that hooks run. */
  readonly hookFile?: string;
  /** The program in the bundle that replaces the installation. */
  readonly handlerFile?: string;
  readonly images: readonly RaucImage[];
};

export type RaucManifest = {
  readonly bundleFormat: 'verity' | 'crypt';
  readonly verity: { readonly rootHash: Uint8Array; readonly salt: Uint8Array; readonly sizeBytes: number };
  readonly update: RaucUpdate;
};

type Group = ReadonlyMap<string, string>;

function malformed(expected: string, line?: number): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'raucb', expected, line });
}

const ESCAPES: Readonly<Record<string, string>> = { s: ' ', n: '\n', t: '\t', r: '\r', '\\': '\\' };

function unescape(value: string, line: number): string {
  return value.replaceAll(/\\(.?)/g, (_, letter: string) => {
    const text = ESCAPES[letter];
    if (text === undefined) throw malformed('escapes of GLib key files', line);
    return text;
  });
}

function parseGroups(text: string): Map<string, Group> {
  const groups = new Map<string, Map<string, string>>();
  let group: Map<string, string> | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const name = /^\[([^[\]\p{Cc}]+)\]\s*$/u.exec(line)?.[1];
    if (name !== undefined) {
      if (groups.has(name)) throw malformed('each group once', index + 1);
      group = new Map();
      groups.set(name, group);
      continue;
    }
    const [, key, value] = /^([A-Za-z0-9_-]+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (group === undefined || key === undefined || value === undefined) throw malformed('key=value', index + 1);
    if (group.has(key)) throw malformed('each key once', index + 1);
    group.set(key, unescape(value, index + 1));
  }
  return groups;
}

function hexOf(group: Group, key: string): Uint8Array {
  const text = group.get(key) ?? '';
  if (!/^[0-9a-f]{64}$/.test(text)) throw malformed(`64 hexadecimal digits as ${key}`);
  return fromHex(text);
}

function sizeOf(group: Group, key: string): number {
  const text = group.get(key) ?? '';
  if (!/^(0|[1-9][0-9]{0,14})$/.test(text)) throw malformed(`a size as ${key}`);
  return Number(text);
}

function listOf(group: Group, key: string): string[] {
  return (group.get(key) ?? '').split(';').filter((item) => item !== '');
}

function parseImage(slot: string, group: Group): RaucImage {
  const name = group.get('filename');
  const hooks = listOf(group, 'hooks');
  if (name === undefined) return { slot, hooks };
  // A name that leaves the bundle would stand for a file that the signature does not cover.
  if (name === '' || name.includes('/')) throw malformed('a file name without folders');
  const file = { name, sizeBytes: sizeOf(group, 'size'), sha256: sha256Of(group) };
  return { slot, file, hooks, ...(group.has('convert') ? { isConverted: true } : {}) };
}

function sha256Of(group: Group): string {
  hexOf(group, 'sha256');
  return group.get('sha256') ?? '';
}

function parseUpdate(groups: ReadonlyMap<string, Group>): RaucUpdate {
  const update = groups.get('update');
  const compatible = update?.get('compatible');
  if (update === undefined || compatible === undefined || compatible === '') throw malformed('update.compatible');
  const images = [...groups].filter(([name]) => name.startsWith(IMAGE_PREFIX));
  if (images.length > IMAGES_MAX) throw malformed(`at most ${IMAGES_MAX} images`);
  const texts = {
    version: update.get('version'),
    description: update.get('description'),
    build: update.get('build'),
    hookFile: groups.get('hooks')?.get('filename'),
    handlerFile: groups.get('handler')?.get('filename'),
  };
  return {
    compatible,
    ...(Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined)) as Partial<RaucUpdate>),
    images: images.map(([name, group]) => parseImage(name.slice(IMAGE_PREFIX.length), group)),
  };
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw malformed('a manifest in UTF-8');
  }
}

/**
 * Parses the manifest in the squashfs of a plain bundle.
 * @throws ImageError IMAGE_MALFORMED
 */
export function parsePlainManifest(bytes: Uint8Array): RaucUpdate {
  const groups = parseGroups(textOf(bytes));
  const format = groups.get('bundle')?.get('format') ?? 'plain';
  if (format !== 'plain') throw malformed('format plain');
  return parseUpdate(groups);
}

/**
 * Parses the manifest that stands inside a signature.
 * @throws ImageError IMAGE_MALFORMED
 */
export function parseRaucManifest(bytes: Uint8Array): RaucManifest {
  const groups = parseGroups(textOf(bytes));
  const bundle = groups.get('bundle') ?? new Map<string, string>();
  const bundleFormat = bundle.get('format');
  // Format plain has no hash tree: nothing would bind the payload to this manifest.
  if (bundleFormat !== 'verity' && bundleFormat !== 'crypt') throw malformed('format verity or crypt');
  if (bundleFormat === 'crypt') hexOf(bundle, 'crypt-key');
  return {
    bundleFormat,
    verity: {
      rootHash: hexOf(bundle, 'verity-hash'),
      salt: hexOf(bundle, 'verity-salt'),
      sizeBytes: sizeOf(bundle, 'verity-size'),
    },
    update: parseUpdate(groups),
  };
}
