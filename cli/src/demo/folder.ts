/** The demo's own folder: fresh for each run, and removed only when its marker says that a demo made it. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPresent } from '../workspace/files.ts';
import { DemoError } from './errors.ts';

const MARKER = 'made-by-pawl-demo';

/** @throws DemoError DEMO_FOLDER_FOREIGN */
export async function makeDemoFolder(dir: string): Promise<void> {
  if (await isPresent(dir)) {
    const names = await readdir(dir);
    if (names.length > 0 && !names.includes(MARKER)) throw new DemoError('DEMO_FOLDER_FOREIGN', { dir });
    await rm(dir, { recursive: true });
  }
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, MARKER), 'This folder is made anew by each run of "pawl demo".\n');
}
