/**
 * The boot step of the example hub: `node boot.ts SLOT_DIR`. Does what the hub's boot loader does before it jumps into
 * an image: reads the slot, checks vector table, length and checksum. Exit 0: started. Exit 1: not started, reason on
 * standard error. The agent runs it for each trial and each restart; it knows nothing of Pawl but the name of the file.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkHubImage } from './image.ts';

/** The file of a slot that holds the image. */
const IMAGE_FILE = 'image';

function boot(slotDir: string | undefined): string | undefined {
  if (slotDir === undefined) return 'usage: node boot.ts SLOT_DIR';
  try {
    return checkHubImage(readFileSync(join(slotDir, IMAGE_FILE)));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const reason = boot(process.argv[2]);
if (reason !== undefined) {
  console.error(`does not start: ${reason}`);
  process.exitCode = 1;
}
