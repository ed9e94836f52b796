/**
 * Starts an image by the configured command, with the slot's folder as its last argument. The command stays until the
 * image knows whether it is healthy: status 0 says yes, anything else no. One that does not end in time is killed.
 */
import { spawn } from 'node:child_process';

export type BootVerdict = 'healthy' | 'failed' | 'timed-out';
type BootRequest = {
  readonly command: readonly string[];
  readonly slotPath: string;
  readonly timeoutMs: number;
};
export type Boot = (request: BootRequest) => Promise<BootVerdict>;

export const runBootCommand: Boot = ({ command, slotPath, timeoutMs }) =>
  new Promise((resolve) => {
    const [program = '', ...words] = command;
    // Its own group, so that what it has started is killed with it. Nothing of ours reaches its standard streams.
    const child = spawn(program, [...words, slotPath], { stdio: 'ignore', detached: true });
    let isTimedOut = false;
    const timer = setTimeout(() => {
      isTimedOut = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, timeoutMs);
    const end = (verdict: BootVerdict): void => {
      clearTimeout(timer);
      resolve(isTimedOut ? 'timed-out' : verdict);
    };
    child.once('error', () => end('failed'));
    child.once('exit', (status) => end(status === 0 ? 'healthy' : 'failed'));
  });
