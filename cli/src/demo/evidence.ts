/**
 * The last act: the ledger. Exports the bundle, verifies it in a process of its own that gets nothing but the file and
 * the key, and looks in what was proven for the whole way of every installation, and for the device's own signed word.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Stage } from './stage.ts';
import type { ResultRow } from './view.ts';

const run = promisify(execFile);
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

type ProvenEntry = {
  readonly predicateType: string;
  readonly predicate: Readonly<Record<string, unknown>>;
  readonly signer: { readonly kind: string };
};
type Proven = { readonly isAuthentic: boolean; readonly isComplete: boolean; readonly entries: readonly ProvenEntry[] };

const TRANSITION = 'urn:pawl:assignment-transition:1';
const REPORT = 'urn:pawl:device-report:1';

/** The way of an installation that ran through to its trial. */
const TO_TRIAL = ['offered', 'downloading', 'verified', 'staged', 'trial'];
/** What the ledger must say of each result, state by state. A refusal never passes `verified`. */
const PATHS: Readonly<Record<string, readonly string[]>> = {
  confirmed: [...TO_TRIAL, 'confirmed'],
  reverted: [...TO_TRIAL, 'reverted'],
};

function pathOf({ entries }: Proven, assignmentId: number): string[] {
  return entries.flatMap(({ predicateType, predicate }) =>
    predicateType === TRANSITION && predicate['assignmentId'] === assignmentId ? [String(predicate['to'])] : [],
  );
}

/** True when the device itself signed that this is how it ended. */
function isSignedByDevice({ entries }: Proven, { assignmentId, result, code }: ResultRow): boolean {
  return entries.some(
    ({ predicateType, predicate, signer }) =>
      predicateType === REPORT &&
      signer.kind === 'device' &&
      String(predicate['assignmentId']) === String(assignmentId) &&
      predicate['state'] === result &&
      (predicate['code'] ?? '') === code,
  );
}

function isProven(proven: Proven, row: ResultRow): boolean {
  if (row.assignmentId === undefined) return false;
  const path = pathOf(proven, row.assignmentId);
  const expected = PATHS[row.result];
  const isPathRight =
    expected === undefined
      ? path[0] === 'offered' && path.at(-1) === row.result && !path.includes('verified')
      : path.join() === expected.join();
  return isPathRight && isSignedByDevice(proven, row);
}

export async function actProve(stage: Stage, rows: readonly ResultRow[]): Promise<ResultRow[]> {
  stage.view.heading('5. The ledger proves all of this, offline');
  const path = join(stage.dir, 'bundle.zip');
  const { vkey, size } = await stage.operator.run('ledger', 'export', '--out', path);
  const words = ['verify', path, '--key', String(vkey)];
  stage.view.command(words);
  const { stdout } = await run(process.execPath, [stage.mainScript, ...words, '--json'], {
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  const proven = JSON.parse(stdout) as Proven;
  const missing = rows.filter((row) => !isProven(proven, row));
  for (const { device, step, result } of missing) stage.view.say(`not proven: ${device}, ${step}: ${result}`);
  const found = rows.length - missing.length;
  return [
    {
      device: 'ledger',
      step: `${String(size)} entries, ${found} of ${rows.length} results found`,
      result: proven.isAuthentic ? 'proven' : 'unproven',
      code: '',
      assignmentId: undefined,
      isExpected: proven.isAuthentic && proven.isComplete && missing.length === 0,
    },
  ];
}
