/** Tells the user of the device by the configured command, with the path of the notice (JSON) as its last argument. */
import { spawn } from 'node:child_process';

export type Notify = (command: readonly string[], path: string) => Promise<void>;

const TIME_OUT_MS = 60_000;

/** Whatever the command does, an update waits for the user's answer and not for the command. */
export const runNoticeCommand: Notify = ([program = '', ...words], path) =>
  new Promise((resolve) => {
    const child = spawn(program, [...words, path], { stdio: 'ignore', timeout: TIME_OUT_MS, killSignal: 'SIGKILL' });
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
