/**
 * Conditions (draft-ietf-suit-manifest-37 §8.4.9): each says whether it holds for one component and has no side effect. A
 * parameter that was never set is a failure, never a pass.
 */
import { isEqualBytes } from '../bytes/index.ts';
import type { ConditionName } from './constants.ts';
import type { Parameters } from './parameters.ts';
import type { SuitComponent, SuitPlatform } from './platform.ts';

export type ConditionInput = {
  readonly component: SuitComponent;
  readonly parameters: Parameters;
  readonly platform: SuitPlatform;
};

/** The slot that commands on this component work on. */
function slotOf({ component, platform }: ConditionInput): number {
  return platform.componentSlot(component);
}

function isSame(expected: Uint8Array | undefined, actual: Uint8Array | undefined): boolean {
  return expected !== undefined && actual !== undefined && isEqualBytes(expected, actual);
}

type ImageVerdict = 'same' | 'different' | 'not said';

async function compareImage(input: ConditionInput): Promise<ImageVerdict> {
  const { imageDigest, imageSizeBytes } = input.parameters;
  if (imageDigest === undefined) return 'not said';
  const actual = await input.platform.digestOf(input.component, slotOf(input), imageDigest.algorithm);
  const isSameSize = imageSizeBytes === undefined || imageSizeBytes === actual.sizeBytes;
  return isSameSize && isEqualBytes(imageDigest.bytes, actual.digest) ? 'same' : 'different';
}

async function hasContent(input: ConditionInput): Promise<boolean> {
  const { content } = input.parameters;
  if (content === undefined || input.platform.contentOf === undefined) return false;
  // §8.4.9.2: constant time, which isEqualBytes is.
  return isEqualBytes(content, await input.platform.contentOf(input.component, slotOf(input), content.length + 1));
}

/** True when the condition holds. */
export async function holdsCondition(name: ConditionName, input: ConditionInput): Promise<boolean> {
  const { parameters, platform } = input;
  switch (name) {
    case 'vendor-identifier':
      return isSame(parameters.vendorId, platform.vendorId);
    case 'class-identifier':
      return isSame(parameters.classId, platform.classId);
    case 'device-identifier':
      return isSame(parameters.deviceId, platform.deviceId);
    case 'component-slot':
      // §8.4.9.3: compared with the slot that this run works on, so that a manifest can pick its branch.
      return parameters.componentSlot === slotOf(input);
    case 'security-counter':
      // docs/decisions/002: the floor of the device is the least counter that may run.
      return parameters.securityCounter !== undefined && parameters.securityCounter >= platform.floor;
    case 'image-match':
      return (await compareImage(input)) === 'same';
    case 'image-not-match':
      return (await compareImage(input)) === 'different';
    case 'check-content':
      return await hasContent(input);
    case 'abort':
      return false;
  }
}
