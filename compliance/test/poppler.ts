/** PDF as other programs see it: Debian's poppler and qpdf, in a folder of their own. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TOOLS = ['pdfinfo', 'pdftotext', 'qpdf'] as const;

/** Why the tests are skipped; with CI=true never. */
export function skipWithoutPoppler(): string | false {
  const missing = TOOLS.filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
  return missing.length > 0 && process.env['CI'] !== 'true' ? `not installed: ${missing.join(', ')}` : false;
}

export class PdfFolder {
  readonly #folder = mkdtempSync(join(tmpdir(), 'pawl-pdf-'));

  write(name: string, content: Uint8Array): void {
    writeFileSync(join(this.#folder, name), content);
  }
  /** Runs a command of one line in the folder and returns its output. */
  run(command: string): string {
    const [tool = '', ...words] = command.split(' ');
    return execFileSync(tool, words, { cwd: this.#folder, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  }
  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
