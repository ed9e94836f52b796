/**
 * Command sequences (draft-ietf-suit-manifest-37 §8.4.5): a flat array [command, argument, command, argument ...] to typed
 * commands and back. Closed world: a command, parameter or component that is not known refuses the whole manifest here,
 * before anything is executed. Bounded in depth and in the number of commands.
 */
import {
  type CborValue,
  encodeCbor,
  expectArray,
  expectBytes,
  expectMap,
  expectUint,
  walkCbor,
} from '../cbor/index.ts';
import {
  ACTIONS,
  type ActionName,
  CONDITIONS,
  CONTROLS,
  type ConditionName,
  type ControlName,
  LIMITS,
  PARAMETERS,
  REPORTING_MAX,
} from './constants.ts';
import { SuitError } from './errors.ts';
import { labelOf } from './label.ts';
import type { Command, Sequence } from './manifest.ts';
import { NAME_OF, type Parameters, parametersFromCbor, parametersToCbor } from './parameters.ts';

/** Where a sequence stands; `budget` counts the commands of the whole manifest. */
export type SequenceScope = {
  readonly at: string;
  readonly componentCount: number;
  readonly isShared: boolean;
  readonly depth: number;
  readonly budget: { commands: number };
  /** Where the outermost sequence begins in memory: offsets are counted from there, through nested byte strings too. */
  readonly byteOffset: number;
};

/** Offset of each decoded command in its outermost sequence, in bytes; commands that were built by hand have none. */
const OFFSETS = new WeakMap<Command, number>();

/** How many bytes into its section a command stands (draft-ietf-suit-report-18 §3); undefined for one that never was bytes. */
export function offsetOf(command: Command): number | undefined {
  return OFFSETS.get(command);
}

const CONDITION_OF: ReadonlyMap<CborValue, ConditionName> = new Map(
  Object.entries(CONDITIONS).map(([name, code]) => [code, name as ConditionName]),
);
const ACTION_OF: ReadonlyMap<CborValue, ActionName> = new Map(
  Object.entries(ACTIONS).map(([name, code]) => [code, name as ActionName]),
);

const CONTROL_OF: ReadonlyMap<CborValue, ControlName> = new Map(
  Object.entries(CONTROLS).map(([name, code]) => [code, name as ControlName]),
);

function broken(scope: SequenceScope, rule: string): SuitError {
  return new SuitError('SUIT_RULE_VIOLATED', { at: scope.at, rule });
}

function readPolicy(value: CborValue, scope: SequenceScope): number {
  const policy = Number(expectUint(value, scope.at));
  if (policy > REPORTING_MAX) throw new SuitError('SUIT_MANIFEST_MALFORMED', { at: scope.at, policy });
  return policy;
}

function readIndex(value: CborValue, scope: SequenceScope): number {
  const index = expectUint(value, scope.at);
  if (index >= BigInt(scope.componentCount)) {
    throw new SuitError('SUIT_MANIFEST_MALFORMED', {
      at: scope.at,
      component: index,
      components: scope.componentCount,
    });
  }
  return Number(index);
}

function readIndexArgument(value: CborValue, scope: SequenceScope): number | true | number[] {
  if (value === true) return true;
  if (!Array.isArray(value)) return readIndex(value, scope);
  const indices = value.map((entry) => readIndex(entry, scope));
  if (indices.length === 0 || new Set(indices).size !== indices.length) {
    throw new SuitError('SUIT_MANIFEST_MALFORMED', { at: scope.at, expected: 'distinct component indices' });
  }
  return indices;
}

function readParameters(
  kind: 'override-parameters' | 'set-parameters',
  value: CborValue,
  scope: SequenceScope,
): Command {
  const parameters = readParameterMap(value, scope);
  if (kind === 'set-parameters') checkSetParameters(parameters, scope);
  return { kind, parameters };
}

function readParameterMap(value: CborValue, scope: SequenceScope): Parameters {
  const parameters = parametersFromCbor(value, scope.at);
  if (Object.keys(parameters).length === 0) throw new SuitError('SUIT_MANIFEST_MALFORMED', { at: scope.at });
  if (parameters.sourceComponent !== undefined) readIndex(parameters.sourceComponent, scope);
  // §8.4.8: soft-failure must not be set outside of try-each and run-sequence.
  if (parameters.softFailure !== undefined && scope.depth === 0)
    throw broken(scope, 'soft-failure outside a nested one');
  // §8.4.8: custom parameters must not be used in the shared sequence.
  if (parameters.securityCounter !== undefined && scope.isShared) throw broken(scope, 'custom parameter in shared');
  return parameters;
}

/** update-management §6.7: an alias of set-component-index and override-parameters, for several components. */
function readOverrideMultiple(value: CborValue, scope: SequenceScope): Command {
  const entries = [...expectMap(value, scope.at)].map(([key, map]) => {
    const parameters = readParameterMap(map, scope);
    const { strictOrder, softFailure } = parameters;
    // These two belong to the processor and have no component.
    if (strictOrder !== undefined || softFailure !== undefined) throw broken(scope, 'processor flag for a component');
    return { index: readIndex(key, scope), parameters };
  });
  if (entries.length === 0) throw new SuitError('SUIT_MANIFEST_MALFORMED', { at: scope.at });
  return { kind: 'override-multiple', entries };
}

function readCopyParams(value: CborValue, scope: SequenceScope): Command {
  const entries = [...expectMap(value, scope.at)].map(([key, list]) => {
    const names = expectArray(list, scope.at).map((code) => {
      const name = NAME_OF.get(code);
      if (name === undefined) {
        throw new SuitError('SUIT_PARAMETER_UNSUPPORTED', { at: scope.at, parameter: labelOf(code) });
      }
      // §8.4.8: custom parameters stay out of the shared sequence, however they are set.
      if (scope.isShared && PARAMETERS[name] < 0) throw broken(scope, 'custom parameter in shared');
      return name;
    });
    if (names.length === 0 || new Set(names).size !== names.length) {
      throw new SuitError('SUIT_MANIFEST_MALFORMED', { at: scope.at, expected: 'distinct parameters' });
    }
    return { index: readIndex(key, scope), names };
  });
  if (entries.length === 0) throw new SuitError('SUIT_MANIFEST_MALFORMED', { at: scope.at });
  return { kind: 'copy-params', entries };
}

function checkSetParameters(parameters: Parameters, scope: SequenceScope): void {
  if (scope.isShared) throw broken(scope, 'set-parameters in shared');
  // §7: a digest must always be set by override-parameters; the two processor flags are never unset.
  const { imageDigest, strictOrder, softFailure } = parameters;
  if (imageDigest !== undefined || strictOrder !== undefined || softFailure !== undefined) {
    throw broken(scope, 'digest or processor flag by set-parameters');
  }
}

function readNested(value: CborValue, scope: SequenceScope): Sequence {
  return decodeSequence(expectBytes(value, scope.at), { ...scope, depth: scope.depth + 1 });
}

function readTryEach(value: CborValue, scope: SequenceScope): Command {
  const entries = expectArray(value, scope.at);
  const hasEmptyEnd = entries.at(-1) === null;
  const sequences = (hasEmptyEnd ? entries.slice(0, -1) : entries).map((entry) => readNested(entry, scope));
  // CDDL: two or more sequences; one and nil is the useful short form that implementations also write.
  if (entries.length < 2 || sequences.length === 0) throw new SuitError('SUIT_MANIFEST_MALFORMED', { at: scope.at });
  return { kind: 'try-each', sequences, hasEmptyEnd };
}

function readCommand(code: CborValue, argument: CborValue, scope: SequenceScope): Command {
  const condition = CONDITION_OF.get(code);
  if (condition !== undefined) {
    // §6.2: no custom commands in the shared sequence, it runs before vendor and class are known to match.
    if (scope.isShared && CONDITIONS[condition] < 0) throw broken(scope, 'custom command in shared');
    return { kind: 'condition', name: condition, policy: readPolicy(argument, scope) };
  }
  const action = ACTION_OF.get(code);
  if (action !== undefined) {
    if (scope.isShared) throw broken(scope, `${action} in shared`);
    return { kind: 'action', name: action, policy: readPolicy(argument, scope) };
  }
  const control = CONTROL_OF.get(code);
  // §6.3: an unsupported command excludes the manifest.
  if (control === undefined) throw new SuitError('SUIT_COMMAND_UNSUPPORTED', { at: scope.at, command: labelOf(code) });
  return readControl(control, argument, scope);
}

function readControl(control: ControlName, argument: CborValue, scope: SequenceScope): Command {
  switch (control) {
    case 'set-component-index':
      return { kind: control, index: readIndexArgument(argument, scope) };
    case 'override-parameters':
    case 'set-parameters':
      return readParameters(control, argument, scope);
    case 'try-each':
      return readTryEach(argument, scope);
    case 'run-sequence':
      return { kind: control, sequence: readNested(argument, scope) };
    case 'override-multiple':
      return readOverrideMultiple(argument, scope);
    case 'copy-params':
      return readCopyParams(argument, scope);
  }
}

export function decodeSequence(bytes: Uint8Array, scope: SequenceScope): Sequence {
  if (scope.depth > LIMITS.sequenceDepthMax) {
    throw new SuitError('SUIT_LIMIT_EXCEEDED', { at: scope.at, sequenceDepthMax: LIMITS.sequenceDepthMax });
  }
  const { value, children } = walkCbor(bytes);
  const items = expectArray(value, scope.at);
  if (items.length === 0 || items.length % 2 !== 0) {
    throw new SuitError('SUIT_MANIFEST_MALFORMED', { at: scope.at, expected: 'pairs', actual: items.length });
  }
  scope.budget.commands += items.length / 2;
  if (scope.budget.commands > LIMITS.commandsMax) {
    throw new SuitError('SUIT_LIMIT_EXCEEDED', { at: scope.at, commandsMax: LIMITS.commandsMax });
  }
  const sequence: Command[] = [];
  for (let i = 0; i < items.length; i += 2) {
    const command = readCommand(items[i], items[i + 1], scope);
    OFFSETS.set(command, bytes.byteOffset - scope.byteOffset + (children[i]?.start ?? 0));
    sequence.push(command);
  }
  // §6.2: with more than one component each command sequence begins with set-component-index.
  const [first] = sequence;
  const isSelected = first?.kind === 'set-component-index' || first?.kind === 'override-multiple';
  if (scope.depth === 0 && scope.componentCount > 1 && !isSelected) {
    throw broken(scope, 'the sequence does not begin with set-component-index');
  }
  return sequence;
}

function writeCommand(command: Command): [CborValue, CborValue] {
  switch (command.kind) {
    case 'condition':
      return [CONDITIONS[command.name], command.policy];
    case 'action':
      return [ACTIONS[command.name], command.policy];
    case 'set-component-index':
      return [CONTROLS[command.kind], typeof command.index === 'object' ? [...command.index] : command.index];
    case 'override-parameters':
    case 'set-parameters':
      return [CONTROLS[command.kind], parametersToCbor(command.parameters)];
    case 'try-each':
      return [
        CONTROLS[command.kind],
        [...command.sequences.map(encodeSequence), ...(command.hasEmptyEnd ? [null] : [])],
      ];
    case 'run-sequence':
      return [CONTROLS[command.kind], encodeSequence(command.sequence)];
    case 'override-multiple':
      return [
        CONTROLS[command.kind],
        new Map(command.entries.map(({ index, parameters }) => [index, parametersToCbor(parameters)])),
      ];
    case 'copy-params':
      return [
        CONTROLS[command.kind],
        new Map(command.entries.map(({ index, names }) => [index, names.map((name) => PARAMETERS[name])])),
      ];
  }
}

export function encodeSequence(sequence: Sequence): Uint8Array {
  return encodeCbor(sequence.flatMap(writeCommand));
}
