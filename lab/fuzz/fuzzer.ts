/**
 * A small coverage-guided fuzzer: inputs that reach new code are kept and mutated further. A finding is anything but a
 * coded error: another exception, a broken property, or an input that takes longer than a parser may.
 */
import { isCodedError } from '@pawl/core/bytes';
import type { Coverage } from './coverage.ts';
import { mutate, randomFrom } from './mutate.ts';

export type Target = {
  readonly name: string;
  /** Inputs that the format is known for. */
  readonly seeds: () => Promise<readonly Uint8Array[]>;
  /** Parses; throws coded errors for what it refuses, and anything else for a defect. */
  readonly run: (input: Uint8Array) => unknown;
};

export type Finding = { readonly input: Uint8Array; readonly what: string };

export type FuzzResult = {
  readonly runs: number;
  readonly blocks: number;
  /** Inputs that reached something new, the ones given at the start included. */
  readonly corpus: readonly Uint8Array[];
  readonly finding: Finding | undefined;
};

export type FuzzOptions = {
  readonly corpus: readonly Uint8Array[];
  readonly coverage: Coverage;
  readonly seed: number;
  readonly runsMax: number;
  /** Milliseconds, from any point in time. */
  readonly nowMs: () => number;
  readonly durationMs: number;
  readonly sizeBytesMax?: number;
};

/** Parsers of inputs of this size answer in milliseconds; this leaves room for a busy machine. */
const SLOW_MS = 3000;
const SIZE_BYTES_MAX = 8192;

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}\n${error.stack ?? ''}` : String(error);
}

/** Runs one input. @returns what is wrong, or undefined */
export async function runInput(target: Target, input: Uint8Array, nowMs: () => number): Promise<string | undefined> {
  const startedMs = nowMs();
  try {
    await target.run(input);
  } catch (error) {
    if (!isCodedError(error)) return describe(error);
  }
  const tookMs = nowMs() - startedMs;
  return tookMs > SLOW_MS ? `slow: ${Math.round(tookMs)} ms for ${input.length} bytes` : undefined;
}

export async function fuzz(target: Target, options: FuzzOptions): Promise<FuzzResult> {
  const { coverage, nowMs, sizeBytesMax = SIZE_BYTES_MAX } = options;
  const random = randomFrom(options.seed);
  const seen = new Set<string>();
  const corpus: Uint8Array[] = [];
  let runs = 0;
  const attempt = async (input: Uint8Array, isGiven: boolean): Promise<Finding | undefined> => {
    const what = await runInput(target, input, nowMs);
    runs += 1;
    if (what !== undefined) return { input, what };
    const before = seen.size;
    for (const block of coverage.blocks()) seen.add(block);
    if (seen.size > before || (isGiven && corpus.length === 0)) corpus.push(input);
    return undefined;
  };
  coverage.reset();
  const result = (finding?: Finding): FuzzResult => ({ runs, blocks: seen.size, corpus, finding });
  for (const input of [...(await target.seeds()), ...options.corpus]) {
    const finding = await attempt(input, true);
    if (finding !== undefined) return result(finding);
  }
  if (corpus.length === 0) corpus.push(new Uint8Array(1));
  const endMs = nowMs() + options.durationMs;
  while (runs < options.runsMax && nowMs() < endMs) {
    // Newer inputs lead further: the last of two picks wins.
    const pick = (): Uint8Array => corpus[Math.floor(random() * corpus.length)] ?? new Uint8Array(1);
    const newer = corpus[Math.floor(Math.sqrt(random()) * corpus.length)] ?? pick();
    const finding = await attempt(mutate(newer, { random, other: pick(), sizeBytesMax }), false);
    if (finding !== undefined) return result(finding);
  }
  return result();
}
