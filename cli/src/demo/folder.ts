/** The demo's own folder: fresh for each run, and removed only when its marker says which demo made it. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPresent } from '../workspace/files.ts';
import { DemoError } from './errors.ts';

const MARKER = 'made-by-pawl-demo';

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}

/** Refuses a folder that no demo made, and one whose demo still runs: its devices would lose the ground under them. */
async function verifyRemovable(dir: string): Promise<void> {
  const names = await readdir(dir);
  if (names.length === 0) return;
  if (!names.includes(MARKER)) throw new DemoError('DEMO_FOLDER_FOREIGN', { dir });
  const processId = Number(await readFile(join(dir, MARKER), 'utf8'));
  if (Number.isSafeInteger(processId) && processId > 0 && processId !== process.pid && isAlive(processId)) {
    throw new DemoError('DEMO_RUNNING', { dir, processId });
  }
}

/** @throws DemoError DEMO_FOLDER_FOREIGN, DEMO_RUNNING */
export async function makeDemoFolder(dir: string): Promise<void> {
  if (await isPresent(dir)) {
    await verifyRemovable(dir);
    await rm(dir, { recursive: true });
  }
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, MARKER), `${process.pid}\n`);
}
