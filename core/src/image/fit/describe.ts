/** What a FIT image says about itself; see `parse.ts`. A device tree without images is described as what it is. */
import { ImageError } from '../errors.ts';
import { hasTreeMagic, parseDeviceTree } from './device-tree.ts';
import { type Fit, type FitConfiguration, type FitImage, numberOf, parseFit, signaturesOf, textOf } from './parse.ts';

/** A signature in a FIT image, as it says about itself. */
export type FitSignatureDescription = { readonly algorithm: string; readonly keyName?: string };

export type FitImageDescription = {
  readonly name: string;
  readonly description?: string;
  readonly type?: string;
  readonly architecture?: string;
  readonly os?: string;
  readonly compression?: string;
  readonly sizeBytes: number;
  readonly isExternal: boolean;
  readonly hashes: readonly string[];
  readonly signatures: readonly FitSignatureDescription[];
};

/** What a FIT image says about itself. */
export type FitDescription = {
  readonly format: 'fit';
  readonly sizeBytes: number;
  readonly description?: string;
  /** When it was made, in seconds since 1970. */
  readonly timestamp?: number;
  readonly images: readonly FitImageDescription[];
  readonly configurations: readonly {
    readonly name: string;
    readonly isDefault: boolean;
    readonly roles: Readonly<Record<string, readonly string[]>>;
    readonly signatures: readonly FitSignatureDescription[];
  }[];
};

/** What a device tree says about its board. */
export type DeviceTreeDescription = {
  readonly format: 'device-tree';
  readonly sizeBytes: number;
  readonly model?: string;
};

/** A property under another name, left out when it is not there. */
function optional<K extends string, V>(name: K, value: V | undefined): { readonly [name in K]?: V } {
  const one: { [name in K]?: V } = {};
  if (value !== undefined) one[name] = value;
  return one;
}

function describeSignatures(node: FitImage['node']): FitSignatureDescription[] {
  return signaturesOf(node).map((signature) => ({
    algorithm: textOf(signature, 'algo') ?? 'unknown',
    ...optional('keyName', textOf(signature, 'key-name-hint')),
  }));
}

function describeOne({ name, node, data, externalOffset, hashes }: FitImage): FitImageDescription {
  return {
    name,
    ...optional('description', textOf(node, 'description')),
    ...optional('type', textOf(node, 'type')),
    ...optional('architecture', textOf(node, 'arch')),
    ...optional('os', textOf(node, 'os')),
    ...optional('compression', textOf(node, 'compression')),
    sizeBytes: data.length,
    isExternal: externalOffset !== undefined,
    hashes: hashes.map(({ algorithm }) => algorithm),
    signatures: describeSignatures(node),
  };
}

function describeConfiguration({ tree }: Fit, { name, node, roles }: FitConfiguration) {
  const parent = tree.root.children.get('configurations');
  return {
    name,
    isDefault: parent !== undefined && textOf(parent, 'default') === name,
    roles: Object.fromEntries(roles),
    signatures: describeSignatures(node),
  };
}

/** True for a device tree that has nothing of a FIT image. */
export function isDeviceTree(bytes: Uint8Array): boolean {
  if (!hasTreeMagic(bytes)) return false;
  try {
    return !parseDeviceTree(bytes).root.children.has('images');
  } catch (cause) {
    if (cause instanceof ImageError) return false;
    throw cause;
  }
}

/** @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED */
export function describeDeviceTree(bytes: Uint8Array): DeviceTreeDescription {
  const { root } = parseDeviceTree(bytes);
  return { format: 'device-tree', sizeBytes: bytes.length, ...optional('model', textOf(root, 'model')) };
}

/**
 * Describes a FIT image and checks its structure and the hashes in it.
 * @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED, IMAGE_CHECKSUM_MISMATCH, IMAGE_DIGEST_MISMATCH
 */
export function describeFit(bytes: Uint8Array): FitDescription {
  const fit = parseFit(bytes);
  const { root } = fit.tree;
  return {
    format: 'fit',
    sizeBytes: bytes.length,
    ...optional('description', textOf(root, 'description')),
    ...optional('timestamp', numberOf(root, 'timestamp')),
    images: [...fit.images.values()].map(describeOne),
    configurations: fit.configurations.map((configuration) => describeConfiguration(fit, configuration)),
  };
}
