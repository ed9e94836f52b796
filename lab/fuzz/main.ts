/**
 * `npm run fuzz [TARGET ...] [-- --seconds N]`: every parser for a bounded time. What reached new code is kept in
 * lab/fuzz/corpus, a finding in lab/fuzz/findings; exit status 1 when there is one.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Coverage } from './coverage.ts';
import { fuzz, type Target } from './fuzzer.ts';
import { targetsWith, vectorsIn } from './targets.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const VECTORS = resolve(ROOT, process.env['PAWL_VECTORS'] ?? '../shared/vectors');
const CORPUS = join(import.meta.dirname, 'corpus');
const FINDINGS = join(import.meta.dirname, 'findings');
/** Larger inputs are found again quickly from the seeds; the corpus stays small enough to be read. */
const KEPT_SIZE_BYTES_MAX = 1024;
const KEPT_MAX = 24;

function nameOf(input: Uint8Array): string {
  return createHash('sha256').update(input).digest('hex').slice(0, 16);
}

/** Keeps the inputs that led furthest, in place of those that were kept before and are covered by them. */
function keep(folder: string, inputs: readonly Uint8Array[]): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const small = inputs.filter((input) => input.length <= KEPT_SIZE_BYTES_MAX).slice(-KEPT_MAX);
  for (const input of small) writeFileSync(join(folder, nameOf(input)), input);
}

async function fuzzTarget(target: Target, seconds: number, seed: number): Promise<boolean> {
  const coverage = new Coverage('/core/src/');
  const folder = join(CORPUS, target.name);
  try {
    const result = await fuzz(target, {
      corpus: vectorsIn(folder, /^[0-9a-f]{16}$/),
      coverage,
      seed,
      runsMax: Number.MAX_SAFE_INTEGER,
      nowMs: () => performance.now(),
      durationMs: seconds * 1000,
    });
    const perSecond = Math.round(result.runs / seconds);
    const shown = `${target.name.padEnd(16)} ${String(result.runs).padStart(8)} runs ${String(perSecond).padStart(6)}/s`;
    console.log(
      `${shown} ${String(result.blocks).padStart(6)} blocks ${String(result.corpus.length).padStart(5)} inputs`,
    );
    if (result.finding === undefined) {
      keep(folder, result.corpus);
      return true;
    }
    mkdirSync(FINDINGS, { recursive: true });
    const path = join(FINDINGS, `${target.name}-${nameOf(result.finding.input)}`);
    writeFileSync(path, result.finding.input);
    console.error(`finding in ${target.name}, kept as ${path}\n${result.finding.what}`);
    return false;
  } finally {
    coverage.close();
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
const targets = targetsWith(VECTORS);
const unknown = positionals.find((name) => targets.every((target) => target.name !== name));
if (unknown !== undefined) {
  console.error(`error: no target ${JSON.stringify(unknown)}\nhint: ${targets.map(({ name }) => name).join(', ')}`);
  process.exitCode = 2;
} else {
  console.log(`seed ${values.seed}, ${values.seconds} s a target`);
  for (const target of targets) {
    if (positionals.length > 0 && !positionals.includes(target.name)) continue;
    if (!(await fuzzTarget(target, Number(values.seconds), Number(values.seed)))) process.exitCode = 1;
  }
}
