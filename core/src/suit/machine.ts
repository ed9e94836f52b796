/**
 * The abstract machine of draft-ietf-suit-manifest-37 §6.4: parameters per component, the current component(s), strict
 * order, and the walk through sequences. Commands run one after another whatever strict-order says, which is one of the
 * orders that it allows; the rules that guard parallel processors are kept all the same.
 *
 * A failed condition ends its sequence and is a returned value; a failed directive is an exception and ends everything.
 * A sequence of a try-each or run-sequence that failed softly leaves no trace in the machine.
 */
import { performAction } from './action.ts';
import { holdsCondition } from './condition.ts';
import { type ConditionName, LIMITS } from './constants.ts';
import { SuitError } from './errors.ts';
import type { Command, ComponentId, Sequence } from './manifest.ts';
import type { Parameters } from './parameters.ts';
import type { SuitComponent, SuitPlatform } from './platform.ts';

type Failure = SuitError | undefined;
/** Soft-failure belongs to one sequence and is not inherited (§8.4.8). `mustStay`: the index may not be changed here. */
type Frame = { softFailure: boolean; readonly mustStay: boolean };
type Snapshot = {
  readonly parameters: readonly Parameters[];
  readonly current: readonly number[];
  readonly strictOrder: boolean;
};

export type MachineInput = {
  readonly components: readonly ComponentId[];
  readonly platform: SuitPlatform;
  readonly integratedPayload: (uri: string) => Uint8Array | undefined;
};

function conditionFailure(condition: ConditionName, component: number): SuitError {
  const code = condition === 'security-counter' ? 'SUIT_SECURITY_COUNTER_TOO_LOW' : 'SUIT_CONDITION_FAILED';
  return new SuitError(code, { condition, component });
}

export class Machine {
  readonly #input: MachineInput;
  readonly #components: readonly SuitComponent[];
  /** §6.1: parameter storage starts empty. Each entry is replaced, never changed. */
  #parameters: Parameters[];
  #current: readonly number[];
  #strictOrder = true;
  #executed = 0;
  #sources = new Set<number>();
  #targets = new Set<number>();

  constructor(input: MachineInput) {
    this.#input = input;
    this.#components = input.components.map((id, index) => ({ id, index }));
    this.#parameters = input.components.map(() => ({}));
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
      case 'condition':
        return await this.#forEach((index) => this.#check(command.name, index));
      case 'action':
        return await this.#forEach((index) => this.#act(command.name, index));
      case 'try-each':
        return await this.#forEachNested((isLooped) => this.#tryEach(command, isLooped));
      case 'run-sequence':
        return await this.#forEachNested((isLooped) => this.#runNested(command.sequence, isLooped));
    }
  }

  #count(): void {
    this.#executed += 1;
    if (this.#executed > LIMITS.executedMax) {
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
    return this.#parameters[index] ?? {};
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
    for (const index of this.#current) this.#parameters[index] = merge(this.#parametersOf(index), scoped);
    return undefined;
  }

  #setStrictOrder(strictOrder: boolean): void {
    this.#strictOrder = strictOrder;
    this.#sources = new Set();
    this.#targets = new Set();
  }

  async #check(name: ConditionName, index: number): Promise<Failure> {
    const { platform } = this.#input;
    const component = this.#component(index);
    const holds = await holdsCondition(name, { component, parameters: this.#parametersOf(index), platform });
    return holds ? undefined : conditionFailure(name, index);
  }

  async #act(name: Extract<Command, { kind: 'action' }>['name'], index: number): Promise<Failure> {
    const { platform, integratedPayload } = this.#input;
    const parameters = this.#parametersOf(index);
    if (!this.#strictOrder) this.#guardOrder(name, index, parameters.sourceComponent);
    const componentAt = (at: number): SuitComponent => this.#component(at);
    await performAction(name, { component: componentAt(index), parameters, platform, componentAt, integratedPayload });
    return undefined;
  }

  /** §6.6: where order is not strict, a component must not be both target and source. */
  #guardOrder(name: string, index: number, source: number | undefined): void {
    if (name !== 'invoke') this.#targets.add(index);
    if (name === 'copy' && source !== undefined) this.#sources.add(source);
    for (const target of this.#targets) {
      if (this.#sources.has(target)) {
        throw new SuitError('SUIT_RULE_VIOLATED', { rule: 'target and source out of order', component: target });
      }
    }
  }

  #snapshot(): Snapshot {
    return { parameters: [...this.#parameters], current: this.#current, strictOrder: this.#strictOrder };
  }

  #restore(snapshot: Snapshot): void {
    this.#parameters = [...snapshot.parameters];
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
