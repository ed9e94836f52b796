/** Starts what a benchmark measures as processes of their own, and ends them whatever happens. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export const ROOT: string = `${import.meta.dirname}/../..`;
const MAIN = `${ROOT}/cli/bin/pawl.js`;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export type Started = { readonly child: ChildProcess; readonly firstLine: string };

/** Starts a script under this Node and waits for its first line on standard output. */
export function start(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Started> {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  child.on('exit', () => running.delete(child));
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}`)));
    createInterface({ input: child.stdout }).once('line', (firstLine) => resolve({ child, firstLine }));
  });
}

export function startPawl(args: readonly string[]): Promise<Started> {
  return start([MAIN, ...args]);
}

/** Starts `pawl` and leaves its output to the caller. */
export function spawnPawl(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcessByStdio<null, Readable, null> {
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  child.on('exit', () => running.delete(child));
  return child;
}

/** Runs a command to its end; its standard output. */
export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      running.delete(child);
      if (code === 0) resolve(Buffer.concat(chunks).toString());
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}`));
    });
  });
}

export function runPawl(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  return run(process.execPath, [MAIN, ...args], env);
}

export async function end({ child }: Started): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.removeAllListeners('exit');
  child.once('exit', () => running.delete(child));
  child.kill('SIGTERM');
  await Promise.race([ended, new Promise((resolve) => child.once('close', resolve))]);
}
