/**
 * Directives that act on one component (draft-ietf-suit-manifest-37 §8.4.10): collect the parameters that the directive
 * needs, refuse when one is missing, and let the platform do it. Whatever the platform throws passes through unchanged.
 */
import type { ActionName } from './constants.ts';
import { SuitError } from './errors.ts';
import type { Parameters } from './parameters.ts';
import type { SuitComponent, SuitPlatform } from './platform.ts';

export type ActionInput = {
  readonly component: SuitComponent;
  readonly parameters: Parameters;
  readonly platform: SuitPlatform;
  readonly componentAt: (index: number) => SuitComponent;
  readonly integratedPayload: (uri: string) => Uint8Array | undefined;
};

function need<T>(value: T | undefined, command: ActionName, parameter: string): T {
  if (value === undefined) throw new SuitError('SUIT_PARAMETER_MISSING', { command, parameter });
  return value;
}

async function fetchPayload({ component, parameters, platform, integratedPayload }: ActionInput): Promise<void> {
  const uri = need(parameters.uri, 'fetch', 'uri');
  const integrated = integratedPayload(uri);
  await platform.fetch?.({
    component,
    uri,
    ...(integrated !== undefined && { integrated }),
    ...(parameters.imageDigest !== undefined && { digest: parameters.imageDigest }),
    ...(parameters.imageSizeBytes !== undefined && { sizeBytes: parameters.imageSizeBytes }),
    ...(parameters.fetchArguments !== undefined && { fetchArguments: parameters.fetchArguments }),
    ...(parameters.componentMetadata !== undefined && { metadata: parameters.componentMetadata }),
  });
}

async function copyComponent({ component, parameters, platform, componentAt }: ActionInput): Promise<void> {
  const { encryptionInfo, componentMetadata } = parameters;
  // Stricter than §8.4.10.5: digest and size are not optional, so that a copy can be judged while it streams.
  await platform.copy?.({
    source: componentAt(need(parameters.sourceComponent, 'copy', 'source-component')),
    target: component,
    slot: platform.componentSlot(component),
    digest: need(parameters.imageDigest, 'copy', 'image-digest'),
    sizeBytes: need(parameters.imageSizeBytes, 'copy', 'image-size'),
    ...(encryptionInfo !== undefined && { encryptionInfo }),
    ...(componentMetadata !== undefined && { metadata: componentMetadata }),
  });
}

async function swapComponents({ component, parameters, platform, componentAt }: ActionInput): Promise<void> {
  await platform.swap?.({
    source: componentAt(need(parameters.sourceComponent, 'swap', 'source-component')),
    target: component,
    slot: platform.componentSlot(component),
  });
}

async function writeContent({ component, parameters, platform }: ActionInput): Promise<void> {
  const { encryptionInfo, componentMetadata } = parameters;
  await platform.write?.({
    component,
    slot: platform.componentSlot(component),
    content: need(parameters.content, 'write', 'content'),
    ...(encryptionInfo !== undefined && { encryptionInfo }),
    ...(componentMetadata !== undefined && { metadata: componentMetadata }),
  });
}

async function invokeComponent({ component, parameters, platform }: ActionInput): Promise<void> {
  const { invokeArgs } = parameters;
  await platform.invoke?.({
    component,
    slot: platform.componentSlot(component),
    ...(invokeArgs !== undefined && { args: invokeArgs }),
  });
}

async function waitForEvents({ component, parameters, platform }: ActionInput): Promise<void> {
  await platform.waitFor?.(need(parameters.waitInfo, 'wait', 'wait-info'), component);
}

const ACTION_OF: Readonly<Record<Exclude<ActionName, 'process-dependency'>, (input: ActionInput) => Promise<void>>> = {
  fetch: fetchPayload,
  copy: copyComponent,
  swap: swapComponents,
  write: writeContent,
  invoke: invokeComponent,
  wait: waitForEvents,
  unlink: async ({ component, platform }) => await platform.unlink?.(component),
};

/** Directives that change what a component holds. */
const ALTERING: ReadonlySet<ActionName> = new Set(['fetch', 'copy', 'swap', 'write']);

/** trust-domains §4.5.5: what other manifests still need is not altered. */
async function assertUnreferenced(name: ActionName, { component, parameters, platform, componentAt }: ActionInput) {
  const { sourceComponent } = parameters;
  // A swap alters both of its components.
  const source = name === 'swap' && sourceComponent !== undefined ? [componentAt(sourceComponent)] : [];
  const altered = ALTERING.has(name) ? [component, ...source] : [];
  for (const each of altered) {
    if ((await platform.isReferenced?.(each)) !== true) continue;
    throw new SuitError('SUIT_RULE_VIOLATED', { rule: `${name} into a component that is referenced` });
  }
}

export async function performAction(name: keyof typeof ACTION_OF, input: ActionInput): Promise<void> {
  await assertUnreferenced(name, input);
  await ACTION_OF[name](input);
}
