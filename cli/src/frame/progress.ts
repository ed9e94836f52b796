/**
 * A progress bar on a terminal for anything that takes more than a second; silent in a pipe and with --json. It is drawn
 * at most ten times a second and removed at the end, so that only results stay on the screen.
 */
import type { Io } from './command.ts';

const WIDTH = 28;
const SHOW_AFTER_MS = 1000;
const REDRAW_MS = 100;

export type Progress = { update(done: number): void; end(): void };

const MIB = 1024 * 1024;

function sizeText(bytes: number): string {
  return bytes < MIB ? `${(bytes / 1024).toFixed(0)} KiB` : `${(bytes / MIB).toFixed(1)} MiB`;
}

export function startProgress(io: Io, label: string, totalBytes: number): Progress {
  const startedMs = io.now().getTime();
  let drawnMs = 0;
  const isShown = io.isTty && !io.isJson;
  return {
    update(done: number): void {
      const nowMs = io.now().getTime();
      if (!isShown || nowMs - startedMs < SHOW_AFTER_MS || nowMs - drawnMs < REDRAW_MS) return;
      drawnMs = nowMs;
      const share = totalBytes === 0 ? 1 : Math.min(1, done / totalBytes);
      const bar = '#'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH, '.');
      io.draw(`\r\u001b[K${label} [${bar}] ${Math.floor(share * 100)} % of ${sizeText(totalBytes)}`);
    },
    end(): void {
      if (drawnMs > 0) io.draw('\r\u001b[K');
    },
  };
}
