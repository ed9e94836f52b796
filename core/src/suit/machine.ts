/**
 * The abstract machine of draft-ietf-suit-manifest-37 §6.4: parameters per component, the current component(s), strict
 * order, and the walk through sequences. Commands run one after another whatever strict-order says, which is one of the
 * orders that it allows; the rules that guard parallel processors are kept all the same.
 *
 * A failed condition ends its sequence and is a returned value; a failed directive is an exception and ends everything.
 * A sequence of a try-each or run-sequence that failed softly leaves no trace in the machine.
 */
import { toHex } from '../bytes/index.ts';
import { performAction } from './action.ts';
import { judgeCondition, type Verdict } from './condition.ts';
import { type ActionName, type ConditionName, LIMITS } from './constants.ts';
import type { SuitDigest } from './digest.ts';
import { SuitError } from './errors.ts';
import type { Command, CopyEntry, IndexedComponent, OverrideEntry, Sequence } from './manifest.ts';
import type { Parameters } from './parameters.ts';
import type { SuitComponent, SuitPlatform } from './platform.ts';

type Failure = SuitError | undefined;
/** Soft-failure belongs to one sequence and is not inherited (§8.4.8). `mustStay`: the index may not be changed here. */
type Frame = { softFailure: boolean; readonly mustStay: boolean };
type Snapshot = {
  readonly parameters: ReadonlyMap<string, Parameters>;
  readonly current: readonly number[];
  readonly strictOrder: boolean;
};
type Action = Extract<Command, { kind: 'action' }>;

/** Parameters by component, for a manifest and all its dependencies: a component is the same one wherever it is named. */
export type ParameterStore = { current: ReadonlyMap<string, Parameters> };

/** Counts commands for a manifest and all its dependencies: one for each would multiply down the tree. */
export type ExecutionBudget = { executed: number };

/** What the machine cannot do by itself: it knows one manifest only. */
export type DependencyPorts = {
  /** Authenticates the manifest in this component against the digest parameter, for this run. @throws SuitError */
  verify(component: SuitComponent, digest: SuitDigest | undefined): Promise<void>;
  /** What was verified is not what is there any more. */
  forget(component: SuitComponent): void;
  /** Runs the current section of a dependency that was verified. @throws SuitError */
  process(component: SuitComponent): Promise<void>;
  digestOf: SuitPlatform['digestOf'];
};

export type MachineInput = {
  readonly components: readonly IndexedComponent[];
  readonly platform: SuitPlatform;
  readonly integratedPayload: (uri: string) => Uint8Array | undefined;
  readonly store: ParameterStore;
  readonly budget: ExecutionBudget;
  readonly dependencies: DependencyPorts;
  /** Notes what a command came to, by its reporting policy. */
  readonly note: (outcome: CommandOutcome) => void;
};

/** What a command with a reporting policy came to. */
export type CommandOutcome = {
  readonly command: Command & { readonly policy: number };
  readonly component: SuitComponent;
  readonly isSuccess: boolean;
  readonly measured: Parameters;
};

const ALTERING: ReadonlySet<string> = new Set(['fetch', 'copy', 'swap', 'write']);

function conditionFailure(condition: ConditionName, component: number): SuitError {
  const code = condition === 'security-counter' ? 'SUIT_SECURITY_COUNTER_TOO_LOW' : 'SUIT_CONDITION_FAILED';
  return new SuitError(code, { condition, component });
}

/** One spelling of a component identifier: each part ends in a stroke, or none and an empty one would be the same. */
function nameOf({ id }: SuitComponent): string {
  return id.map((part) => `${toHex(part)}/`).join('');
}

export class Machine {
  readonly #input: MachineInput;
  readonly #components: readonly SuitComponent[];
  #current: readonly number[];
  #strictOrder = true;
  #sources = new Set<number>();
  #targets = new Set<number>();

  constructor(input: MachineInput) {
    this.#input = input;
    this.#components = input.components;
    this.#current = input.components.length === 1 ? [0] : [];
  }

  /** Runs a sequence of the manifest itself. @throws SuitError when a condition fails */
  async runTop(sequence: Sequence): Promise<void> {
    this.#setStrictOrder(true);
    const failure = await this.#run(sequence, { softFailure: false, mustStay: false });
    if (failure !== undefined) throw failure;
  }

  async #run(sequence: Sequence, frame: Frame): Promise<Failure> {
    for (const command of sequence) {
      const failure = await this.#execute(command, frame);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  async #execute(command: Command, frame: Frame): Promise<Failure> {
    switch (command.kind) {
      case 'set-component-index':
        this.#count();
        // §6.6: inside a run-sequence that may run in parallel, the index stays.
        if (frame.mustStay) throw new SuitError('SUIT_RULE_VIOLATED', { rule: 'set-component-index out of order' });
        this.#current = this.#indices(command.index);
        return undefined;
      case 'override-parameters':
        return this.#assign(command.parameters, frame, (existing, given) => ({ ...existing, ...given }));
      case 'set-parameters':
        return this.#assign(command.parameters, frame, (existing, given) => ({ ...given, ...existing }));
      case 'override-multiple':
        return this.#assignMultiple(command.entries, frame);
      case 'copy-params':
        return this.#copyParameters(command.entries);
      case 'condition':
        return await this.#forEach((index) => this.#check(command, index));
      case 'action':
        return await this.#forEach((index) => this.#act(command, index));
      case 'try-each':
        return await this.#forEachNested((isLooped) => this.#tryEach(command, isLooped));
      case 'run-sequence':
        return await this.#forEachNested((isLooped) => this.#runNested(command.sequence, isLooped));
    }
  }

  #count(): void {
    const { budget } = this.#input;
    budget.executed += 1;
    if (budget.executed > LIMITS.executedMax) {
      throw new SuitError('SUIT_LIMIT_EXCEEDED', { at: 'execution', executedMax: LIMITS.executedMax });
    }
  }

  #indices(index: number | true | readonly number[]): readonly number[] {
    if (index === true) return this.#components.map((component) => component.index);
    return typeof index === 'number' ? [index] : index;
  }

  #component(index: number): SuitComponent {
    const component = this.#components[index];
    if (component === undefined) throw new SuitError('SUIT_RULE_VIOLATED', { rule: 'no such component', index });
    return component;
  }

  #parametersOf(index: number): Parameters {
    return this.#input.store.current.get(nameOf(this.#component(index))) ?? {};
  }

  /** Each set of parameters is replaced, never changed, so that a snapshot stays what it was. */
  #setParameters(index: number, parameters: Parameters): void {
    const { store } = this.#input;
    store.current = new Map(store.current).set(nameOf(this.#component(index)), parameters);
  }

  async #forEach(act: (index: number) => Promise<Failure>): Promise<Failure> {
    for (const index of this.#current) {
      this.#count();
      const failure = await act(index);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  /** §6.4: try-each and run-sequence are run once for each component, always with one index inside. */
  async #forEachNested(run: (isLooped: boolean) => Promise<Failure>): Promise<Failure> {
    const outer = this.#current;
    if (outer.length === 1) return await this.#forEach(() => run(false));
    const failure = await this.#forEach(async (index) => {
      this.#current = [index];
      return await run(true);
    });
    this.#current = outer;
    return failure;
  }

  #assign(given: Parameters, frame: Frame, merge: (existing: Parameters, given: Parameters) => Parameters): Failure {
    // §8.4.8: these two belong to the processor, not to a component.
    const { strictOrder, softFailure, ...scoped } = given;
    if (softFailure !== undefined) frame.softFailure = softFailure;
    if (strictOrder !== undefined) this.#setStrictOrder(strictOrder);
    this.#count();
    for (const index of this.#current) this.#setParameters(index, merge(this.#parametersOf(index), scoped));
    return undefined;
  }

  /** update-management §6.7: an alias; the last component listed is the current one afterwards. */
  #assignMultiple(entries: readonly OverrideEntry[], frame: Frame): Failure {
    for (const { index, parameters } of entries) {
      this.#count();
      if (frame.mustStay) throw new SuitError('SUIT_RULE_VIOLATED', { rule: 'override-multiple out of order' });
      this.#setParameters(index, { ...this.#parametersOf(index), ...parameters });
      this.#current = [index];
    }
    return undefined;
  }

  /** update-management §6.8: as override-parameters, with the values of other components; a value that is not set is none. */
  #copyParameters(entries: readonly CopyEntry[]): Failure {
    for (const { index: source, names } of entries) {
      const values = this.#parametersOf(source);
      const absent = names.find((name) => values[name] === undefined);
      if (absent !== undefined) {
        throw new SuitError('SUIT_PARAMETER_MISSING', { command: 'copy-params', parameter: absent });
      }
      const copied: Parameters = Object.fromEntries(names.map((name) => [name, values[name]]));
      for (const index of this.#current) {
        this.#count();
        this.#setParameters(index, { ...this.#parametersOf(index), ...copied });
      }
    }
    return undefined;
  }

  #setStrictOrder(strictOrder: boolean): void {
    this.#strictOrder = strictOrder;
    this.#sources = new Set();
    this.#targets = new Set();
  }

  async #check(command: Extract<Command, { kind: 'condition' }>, index: number): Promise<Failure> {
    const component = this.#component(index);
    const { holds, measured } = await this.#judge(command.name, component);
    this.#input.note({ command, component, isSuccess: holds, measured });
    return holds ? undefined : conditionFailure(command.name, index);
  }

  async #judge(name: ConditionName, component: SuitComponent): Promise<Verdict> {
    const { platform, dependencies } = this.#input;
    const parameters = this.#parametersOf(component.index);
    if (name !== 'dependency-integrity') {
      const digestOf: SuitPlatform['digestOf'] = (...args) =>
        component.isDependency === true ? dependencies.digestOf(...args) : platform.digestOf(...args);
      return await judgeCondition(name, { component, parameters, platform, digestOf });
    }
    // trust-domains §4.5.4: a dependency that is not intact aborts at once; no try-each goes on after it.
    await dependencies.verify(component, parameters.imageDigest);
    return { holds: true, measured: {} };
  }

  async #act(command: Action, index: number): Promise<Failure> {
    const component = this.#component(index);
    try {
      await this.#perform(command.name, component);
    } catch (error) {
      this.#input.note({ command, component, isSuccess: false, measured: {} });
      throw error;
    }
    this.#input.note({ command, component, isSuccess: true, measured: {} });
    return undefined;
  }

  async #perform(name: ActionName, component: SuitComponent): Promise<void> {
    const { platform, integratedPayload, dependencies } = this.#input;
    if (name === 'process-dependency') {
      await dependencies.process(component);
      return;
    }
    const parameters = this.#parametersOf(component.index);
    const { sourceComponent } = parameters;
    if (!this.#strictOrder) this.#guardOrder(name, component.index, sourceComponent);
    if (ALTERING.has(name)) dependencies.forget(component);
    if (name === 'swap' && sourceComponent !== undefined) dependencies.forget(this.#component(sourceComponent));
    const componentAt = (at: number): SuitComponent => this.#component(at);
    await performAction(name, { component, parameters, platform, componentAt, integratedPayload });
  }

  /** §6.6: where order is not strict, a component must not be both target and source. */
  #guardOrder(name: string, index: number, source: number | undefined): void {
    if (name !== 'invoke') this.#targets.add(index);
    if ((name === 'copy' || name === 'swap') && source !== undefined) this.#sources.add(source);
    if (name === 'swap' && source !== undefined) this.#targets.add(source);
    for (const target of this.#targets) {
      if (this.#sources.has(target)) {
        throw new SuitError('SUIT_RULE_VIOLATED', { rule: 'target and source out of order', component: target });
      }
    }
  }

  #snapshot(): Snapshot {
    return { parameters: this.#input.store.current, current: this.#current, strictOrder: this.#strictOrder };
  }

  #restore(snapshot: Snapshot): void {
    this.#input.store.current = snapshot.parameters;
    this.#current = snapshot.current;
    this.#strictOrder = snapshot.strictOrder;
  }

  async #tryEach(command: Extract<Command, { kind: 'try-each' }>, isLooped: boolean): Promise<Failure> {
    let last: Failure;
    for (const sequence of command.sequences) {
      const before = this.#snapshot();
      const frame: Frame = { softFailure: true, mustStay: isLooped && !this.#strictOrder };
      last = await this.#run(sequence, frame);
      if (last === undefined || !frame.softFailure) return last;
      this.#restore(before);
    }
    // §8.4.10.2: a nil at the end is a sequence that always succeeds.
    return command.hasEmptyEnd ? undefined : last;
  }

  async #runNested(sequence: Sequence, isLooped: boolean): Promise<Failure> {
    const before = this.#snapshot();
    if (this.#strictOrder) {
      const frame: Frame = { softFailure: false, mustStay: false };
      return this.#settle(await this.#run(sequence, frame), frame, before);
    }
    return await this.#runIsolated(sequence, isLooped, before);
  }

  #settle(failure: Failure, frame: Frame, before: Snapshot): Failure {
    if (failure === undefined || !frame.softFailure) return failure;
    // §8.4.8: the run-sequence halts with no side effects and the next command runs.
    this.#restore(before);
    return undefined;
  }

  /** §6.6: strict order is on inside; the index is set by the first command, or preset when looped, and then stays. */
  async #runIsolated(sequence: Sequence, isLooped: boolean, before: Snapshot): Promise<Failure> {
    let rest = sequence;
    this.#strictOrder = true;
    if (!isLooped) {
      const [first, ...others] = sequence;
      if (first?.kind !== 'set-component-index') {
        throw new SuitError('SUIT_RULE_VIOLATED', { rule: 'a parallel sequence must begin with set-component-index' });
      }
      await this.#execute(first, { softFailure: false, mustStay: false });
      rest = others;
    }
    const frame: Frame = { softFailure: false, mustStay: true };
    const failure = this.#settle(await this.#run(rest, frame), frame, before);
    this.#current = before.current;
    this.#strictOrder = before.strictOrder;
    return failure;
  }
}
