/**
 * Runs sections of a verified manifest and of its dependencies: the shared sequence first, then the section
 * (draft-ietf-suit-manifest-37 §8.4.3), with cleared parameters each time. Nothing runs before the platform is known to
 * support the whole manifest. Dependencies (draft-ietf-suit-trust-domains-11) run in lock-step: a section of a dependency
 * runs inside the same section of the manifest that needs it.
 */
import { isEqualBytes } from '../bytes/index.ts';
import type { PublicKey } from '../crypto/index.ts';
import type { AuthenticationPolicy } from './authentication.ts';
import { LIMITS, type SectionName } from './constants.ts';
import { digestOfMember } from './digest.ts';
import { type EnvelopeOptions, parseEnvelope } from './envelope.ts';
import { SuitError } from './errors.ts';
import { type DependencyPorts, type ExecutionBudget, Machine, type ParameterStore } from './machine.ts';
import { type ComponentId, indexedComponents } from './manifest.ts';
import type { SuitComponent, SuitPlatform } from './platform.ts';
import type { SuitRecorder } from './recorder.ts';
import { verifySupport } from './support.ts';
import { type VerifiedManifest, verifyEnvelope } from './verified-manifest.ts';

export type RunOptions = {
  /** Who may sign dependencies. Left out: a manifest with dependencies is refused when it comes to use one. */
  readonly dependencyPolicy?: AuthenticationPolicy & EnvelopeOptions;
  /**
   * True when these signers may change this component (RFC 9124 §4.3.9, rights); asked for every component that a manifest
   * lists, dependencies included (without a prefix: an empty identifier). Left out: signers may change all.
   */
  readonly isAuthorized?: (signers: readonly PublicKey[], component: ComponentId) => boolean;
  /** Writes down what happened, for a SUIT report. */
  readonly recorder?: SuitRecorder;
};

/** Sections whose counterpart in a dependency must have run when they end (trust-domains §4.1). */
const LOCK_STEP: ReadonlySet<SectionName> = new Set([
  'dependency-resolution',
  'payload-fetch',
  'candidate-verification',
  'install',
]);

type Run = {
  readonly platform: SuitPlatform;
  readonly options: RunOptions;
  readonly store: ParameterStore;
  readonly section: SectionName;
  readonly budget: ExecutionBudget;
};

/** The dependencies of one manifest, as far as they were verified in this run of a section. */
class Dependencies implements DependencyPorts {
  readonly #run: Run;
  readonly #path: readonly number[];
  readonly #verified = new Map<number, VerifiedManifest>();
  readonly #processed = new Set<number>();
  readonly #ordinals: readonly number[];

  constructor(run: Run, path: readonly number[], components: readonly SuitComponent[]) {
    this.#run = run;
    this.#path = path;
    this.#ordinals = components.flatMap(({ index, isDependency }) => (isDependency === true ? [index] : []));
  }

  async #envelope(component: SuitComponent): Promise<Uint8Array> {
    const envelope = await this.#run.platform.envelopeOf?.(component);
    if (envelope !== undefined) return envelope;
    throw new SuitError('SUIT_DEPENDENCY_MISSING', { component: component.index });
  }

  /** trust-domains §4.5.4: signature, digest that the dependent wants, manifest against that digest. */
  async verify(component: SuitComponent, digest: Parameters<DependencyPorts['verify']>[1]): Promise<void> {
    const { dependencyPolicy } = this.#run.options;
    if (component.isDependency !== true) {
      throw new SuitError('SUIT_RULE_VIOLATED', {
        rule: 'dependency-integrity of no dependency',
        index: component.index,
      });
    }
    if (digest === undefined) {
      throw new SuitError('SUIT_PARAMETER_MISSING', { command: 'dependency-integrity', parameter: 'image-digest' });
    }
    if (dependencyPolicy === undefined) throw new SuitError('SUIT_POLICY_EMPTY');
    const manifest = verifyEnvelope(await this.#envelope(component), dependencyPolicy);
    const isWanted =
      manifest.digest.algorithm === digest.algorithm && isEqualBytes(manifest.digest.bytes, digest.bytes);
    if (!isWanted) throw new SuitError('SUIT_DIGEST_MISMATCH', { at: 'dependency', component: component.index });
    this.#verified.set(component.index, manifest);
  }

  forget(component: SuitComponent): void {
    this.#verified.delete(component.index);
  }

  /** trust-domains §4.2.2: the digest of a dependency is that of its manifest, whatever its envelope carries. */
  async digestOf(component: SuitComponent, _slot: number, algorithm: number) {
    const envelope = await this.#envelope(component);
    const { manifest } = parseEnvelope(envelope, this.#run.options.dependencyPolicy ?? {});
    return { digest: digestOfMember(manifest, algorithm).bytes, sizeBytes: envelope.length };
  }

  async process(component: SuitComponent): Promise<void> {
    const { index } = component;
    // trust-domains §4.3: not in the map of dependencies, or not checked in this context: abort.
    if (component.isDependency !== true) {
      throw new SuitError('SUIT_RULE_VIOLATED', { rule: 'process-dependency of no dependency', index });
    }
    const manifest = this.#verified.get(index);
    if (manifest === undefined) {
      throw new SuitError('SUIT_RULE_VIOLATED', { rule: 'process-dependency without dependency-integrity', index });
    }
    if (this.#path.length >= LIMITS.dependencyDepthMax) {
      throw new SuitError('SUIT_LIMIT_EXCEEDED', { at: 'dependencies', limit: LIMITS.dependencyDepthMax });
    }
    this.#processed.add(index);
    const path = [...this.#path, this.#ordinals.indexOf(index)];
    if (manifest.hasSection(this.#run.section)) await runManifest(manifest, this.#run, path);
  }

  /** trust-domains §4.1: when a section ends, so has that of each dependency. */
  assertProcessed(): void {
    const { section } = this.#run;
    if (!LOCK_STEP.has(section)) return;
    for (const [index, manifest] of this.#verified) {
      if (this.#processed.has(index) || !manifest.hasSection(section)) continue;
      throw new SuitError('SUIT_RULE_VIOLATED', {
        rule: 'a section of a dependency was not processed',
        index,
        section,
      });
    }
  }
}

function assertAuthorized({ signers, content }: VerifiedManifest, { options }: Run): void {
  const { isAuthorized } = options;
  if (isAuthorized === undefined) return;
  // Dependencies too: to call a component a dependency must not be a way to write to it, or to its parameters.
  const denied = indexedComponents(content).find(({ id }) => !isAuthorized(signers, id));
  if (denied !== undefined) throw new SuitError('SUIT_COMPONENT_UNAUTHORIZED', { component: denied.index });
}

async function runManifest(verified: VerifiedManifest, run: Run, path: readonly number[]): Promise<void> {
  const { platform, store, section: name, options } = run;
  const manifest = verified.content;
  const integratedPayload = (uri: string): Uint8Array | undefined => verified.integratedPayload(uri);
  const section = manifest.sections.get(name)?.value;
  if (section === undefined) throw new SuitError('SUIT_SECTION_MISSING', { section: name });
  verifySupport(manifest, platform, (uri) => integratedPayload(uri) !== undefined);
  assertAuthorized(verified, run);
  const components = indexedComponents(manifest);
  const dependencies = new Dependencies(run, path, components);
  let isShared = true;
  const machine = new Machine({
    components,
    platform,
    integratedPayload,
    store,
    budget: run.budget,
    dependencies,
    note: (outcome) => options.recorder?.note(outcome, { path, section: isShared ? 'shared-sequence' : name }),
  });
  if (manifest.sharedSequence !== undefined) await machine.runTop(manifest.sharedSequence);
  isShared = false;
  await machine.runTop(section);
  dependencies.assertProcessed();
}

/**
 * Carries out a section on a platform. Errors of the platform reach the caller unchanged.
 * @throws SuitError SUIT_SECTION_MISSING, SUIT_COMPONENT_UNSUPPORTED, SUIT_COMMAND_UNSUPPORTED, SUIT_URI_UNSUPPORTED,
 * SUIT_ELEMENT_UNSUPPORTED, SUIT_COMPONENT_UNAUTHORIZED (all before anything runs), SUIT_CONDITION_FAILED,
 * SUIT_SECURITY_COUNTER_TOO_LOW, SUIT_PARAMETER_MISSING, SUIT_RULE_VIOLATED, SUIT_LIMIT_EXCEEDED, SUIT_DEPENDENCY_MISSING,
 * and for dependencies those of `verifyEnvelope`
 */
export async function runSection(
  verified: VerifiedManifest,
  name: SectionName,
  platform: SuitPlatform,
  options: RunOptions = {},
): Promise<void> {
  const store: ParameterStore = { current: new Map() };
  await runManifest(verified, { platform, options, store, section: name, budget: { executed: 0 } }, []);
}
