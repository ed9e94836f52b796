/**
 * Conditions (draft-ietf-suit-manifest-37 §8.4.9): each says whether it holds for one component and has no side effect. A
 * parameter that was never set is a failure, never a pass.
 */
import { isEqualBytes } from '../bytes/index.ts';
import type { ConditionName } from './constants.ts';
import type { Parameters } from './parameters.ts';
import type { SuitComponent, SuitPlatform } from './platform.ts';
import { holdsVersion } from './wait.ts';

export type ConditionInput = {
  readonly component: SuitComponent;
  readonly parameters: Parameters;
  readonly platform: SuitPlatform;
  /** Digest and size of what the component holds; of a dependency, the digest of its manifest. */
  readonly digestOf: SuitPlatform['digestOf'];
};

/** The slot that commands on this component work on. */
function slotOf({ component, platform }: ConditionInput): number {
  return platform.componentSlot(component);
}

function isSame(expected: Uint8Array | undefined, actual: Uint8Array | undefined): boolean {
  return expected !== undefined && actual !== undefined && isEqualBytes(expected, actual);
}

/** Whether the condition holds, and what was measured to say so: the actual values of the parameters it compares. */
export type Verdict = { readonly holds: boolean; readonly measured: Parameters };

const NOTHING: Parameters = {};

async function compareImage(input: ConditionInput, wanted: 'same' | 'different'): Promise<Verdict> {
  const { imageDigest, imageSizeBytes } = input.parameters;
  if (imageDigest === undefined) return { holds: false, measured: NOTHING };
  const { algorithm } = imageDigest;
  const actual = await input.digestOf(input.component, slotOf(input), algorithm);
  // The envelope around a dependency may grow by signatures and shrink by severing; its manifest may not change.
  const isSizeOpen = imageSizeBytes === undefined || input.component.isDependency === true;
  const isSameSize = isSizeOpen || imageSizeBytes === actual.sizeBytes;
  const isSameImage = isSameSize && isEqualBytes(imageDigest.bytes, actual.digest);
  const measured = { imageDigest: { algorithm, bytes: actual.digest }, imageSizeBytes: actual.sizeBytes };
  return { holds: isSameImage === (wanted === 'same'), measured };
}

async function compareContent(input: ConditionInput): Promise<Verdict> {
  const { content } = input.parameters;
  if (content === undefined || input.platform.contentOf === undefined) return { holds: false, measured: NOTHING };
  // §8.4.9.2: constant time, which isEqualBytes is. The content itself may be secret, so it is not reported.
  const actual = await input.platform.contentOf(input.component, slotOf(input), content.length + 1);
  return { holds: isEqualBytes(content, actual), measured: NOTHING };
}

function compareIdentifier(
  name: 'vendorId' | 'classId' | 'deviceId',
  { parameters, platform }: ConditionInput,
): Verdict {
  const actual = platform[name];
  return { holds: isSame(parameters[name], actual), measured: actual === undefined ? NOTHING : { [name]: actual } };
}

/** update-management §6.1: in 64 bits, and never without a clock. */
function compareTime({ parameters: { useBefore }, platform }: ConditionInput): Verdict {
  const now = platform.nowUnixS?.();
  if (useBefore === undefined || now === undefined) return { holds: false, measured: NOTHING };
  return { holds: now < useBefore, measured: { useBefore: now } };
}

async function compareBattery({ parameters: { minimumBattery }, platform }: ConditionInput): Promise<Verdict> {
  const actual = await platform.batteryMilliwattHours?.();
  if (minimumBattery === undefined || actual === undefined) return { holds: false, measured: NOTHING };
  return { holds: actual >= minimumBattery, measured: { minimumBattery: actual } };
}

async function askAuthorization({ parameters, platform, component }: ConditionInput): Promise<Verdict> {
  const { updatePriority } = parameters;
  if (updatePriority === undefined) return { holds: false, measured: NOTHING };
  return { holds: (await platform.isUpdateAuthorized?.(updatePriority, component)) === true, measured: NOTHING };
}

async function compareVersion(input: ConditionInput): Promise<Verdict> {
  const { version } = input.parameters;
  const actual = await input.platform.versionOf?.(input.component, slotOf(input));
  if (version === undefined || actual === undefined) return { holds: false, measured: NOTHING };
  return { holds: holdsVersion(version, actual), measured: { version: { comparison: 'equal', version: actual } } };
}

type Judge = (input: ConditionInput) => Verdict | Promise<Verdict>;

/** Conditions about dependencies are the machine's: they need the manifests. */
const JUDGES: Readonly<Record<Exclude<ConditionName, 'dependency-integrity'>, Judge>> = {
  'vendor-identifier': (input) => compareIdentifier('vendorId', input),
  'class-identifier': (input) => compareIdentifier('classId', input),
  'device-identifier': (input) => compareIdentifier('deviceId', input),
  // §8.4.9.3: compared with the slot that this run works on, so that a manifest can pick its branch.
  'component-slot': (input) => {
    const actual = slotOf(input);
    return { holds: input.parameters.componentSlot === actual, measured: { componentSlot: actual } };
  },
  // docs/decisions/002: the floor of the device is the least counter that may run.
  'security-counter': ({ parameters: { securityCounter }, platform: { floor } }) => ({
    holds: securityCounter !== undefined && securityCounter >= floor,
    measured: { securityCounter: floor },
  }),
  'image-match': (input) => compareImage(input, 'same'),
  'image-not-match': (input) => compareImage(input, 'different'),
  'check-content': compareContent,
  abort: () => ({ holds: false, measured: NOTHING }),
  'is-dependency': ({ component }) => ({ holds: component.isDependency === true, measured: NOTHING }),
  'use-before': compareTime,
  'minimum-battery': compareBattery,
  'update-authorized': askAuthorization,
  version: compareVersion,
};

/** Judges a condition. */
export async function judgeCondition(name: keyof typeof JUDGES, input: ConditionInput): Promise<Verdict> {
  return await JUDGES[name](input);
}
