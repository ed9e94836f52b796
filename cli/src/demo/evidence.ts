/**
 * The last act: the ledger. Exports the bundle, verifies it in a process of its own that gets nothing but the file and
 * the key, and looks in what was proven for every event that the acts before brought about.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Stage } from './stage.ts';
import type { ResultRow } from './view.ts';

const run = promisify(execFile);
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

type ProvenEntry = { readonly predicateType: string; readonly predicate: Readonly<Record<string, unknown>> };
type Proven = { readonly isAuthentic: boolean; readonly isComplete: boolean; readonly entries: readonly ProvenEntry[] };

/** A final state that a device was seen to reach must stand in the ledger with its device and code. */
function isProven({ entries }: Proven, row: ResultRow): boolean {
  return entries.some(({ predicateType, predicate }) => {
    if (predicateType !== 'urn:pawl:assignment-transition:1') return false;
    const text = JSON.stringify(predicate);
    return [row.device, row.result, ...(row.code === '' ? [] : [row.code])].every((word) =>
      text.includes(JSON.stringify(word)),
    );
  });
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
  for (const row of missing) stage.view.say(`not in the ledger: ${row.device} ${row.result} ${row.code}`);
  const found = rows.length - missing.length;
  return [
    {
      device: 'ledger',
      step: `${String(size)} entries, ${found} of ${rows.length} results found`,
      result: proven.isAuthentic ? 'proven' : 'unproven',
      code: '',
      isExpected: proven.isAuthentic && proven.isComplete && missing.length === 0,
    },
  ];
}
