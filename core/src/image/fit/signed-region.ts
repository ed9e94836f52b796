/**
 * What the signature of a FIT configuration is over (U-Boot boot/image-fit-sig.c, boot/fdt_region.c): of the structure block
 * the root, the configuration, its images and their hashes, without the data; then the strings block as it was when signed.
 *
 * Which nodes count follows from the configuration. The list `hashed-nodes` beside the signature is not signed and is not
 * believed: with another list a signature would cover something else than what is booted.
 */
import { concat } from '../../bytes/index.ts';
import { type DeviceTree, malformed, type TreeNode } from './device-tree.ts';
import type { Fit, FitConfiguration, FitImage } from './parse.ts';

/** Properties that are not signed: the hashes stand for them. */
export const UNSIGNED_PROPERTIES: ReadonlySet<string> = new Set(['data', 'data-size', 'data-position', 'data-offset']);
/** Nodes of an image that are signed with it, beside its hashes. */
const SIGNED_WITH_IMAGE: ReadonlySet<string> = new Set(['cipher', 'dm-verity']);

/** The images of a configuration, each once. */
export function imagesOf({ images }: Fit, { roles }: FitConfiguration): FitImage[] {
  const names = new Set([...roles.values()].flat());
  return [...names].flatMap((name) => images.get(name) ?? []);
}

/** The nodes that a signature of the configuration covers with all their properties. */
function signedNodes(fit: Fit, configuration: FitConfiguration): TreeNode[] {
  const images = imagesOf(fit, configuration).map(({ node }) => node);
  const parts = images.flatMap(({ children }) =>
    [...children.values()].filter(({ name }) => name.startsWith('hash') || SIGNED_WITH_IMAGE.has(name)),
  );
  return [fit.tree.root, configuration.node, ...images, ...parts];
}

/**
 * The stretches of the structure block, as fdt_find_regions gives them. Of a node that counts everything is taken but the
 * excluded properties; of its children that do not count, their begin and end; of all else nothing.
 */
function signedStretches({ tags }: DeviceTree, paths: ReadonlySet<string>): { start: number; end: number }[] {
  const stretches: { start: number; end: number }[] = [];
  /** 2 in a node that counts, 1 in a child of such a node, 0 elsewhere; one for each open node. */
  const wants: number[] = [];
  let want = 0;
  for (const { kind, offset, end, path, name } of tags) {
    let isTaken: boolean;
    if (kind === 'begin') {
      wants.push(want);
      want = paths.has(path) ? 2 : Math.max(want - 1, 0);
      isTaken = want > 0;
    } else if (kind === 'end') {
      isTaken = want > 0;
      want = wants.pop() ?? 0;
    } else if (kind === 'finish') {
      isTaken = true;
    } else {
      isTaken = want === 2 && !UNSIGNED_PROPERTIES.has(name);
    }
    if (isTaken) stretches.push({ start: offset, end });
  }
  return stretches;
}

/** libfdt reads names from all of the strings block; those of what is signed must stand in the signed part of it. */
function checkNames(nodes: readonly TreeNode[], stringsSize: number): void {
  for (const { properties } of nodes) {
    for (const [name, { nameOffset }] of properties) {
      const end = nameOffset + name.length + 1;
      if (!UNSIGNED_PROPERTIES.has(name) && end > stringsSize)
        throw malformed('names in the signed part of the strings', nameOffset, name);
    }
  }
}

/**
 * The bytes that a signature of the configuration is over.
 * @throws ImageError IMAGE_MALFORMED
 */
export function signedBytes(
  bytes: Uint8Array,
  fit: Fit,
  configuration: FitConfiguration,
  stringsSize: number,
): Uint8Array {
  const { tree } = fit;
  if (stringsSize > tree.strings.length) throw malformed('hashed-strings within the strings', 0, stringsSize);
  const nodes = signedNodes(fit, configuration);
  checkNames(nodes, stringsSize);
  const stretches = signedStretches(tree, new Set(nodes.map(({ path }) => path)));
  return concat(
    ...stretches.map(({ start, end }) => bytes.subarray(start, end)),
    tree.strings.subarray(0, stringsSize),
  );
}
