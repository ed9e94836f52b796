/** Starts what a benchmark or a soak works on as processes of their own, and ends them whatever happens. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export const ROOT: string = `${import.meta.dirname}/../../..`;
const MAIN = `${ROOT}/cli/bin/pawl.js`;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Without one, a child inherits ours. */
function withEnv(env: NodeJS.ProcessEnv | undefined): { env?: NodeJS.ProcessEnv } {
  return env === undefined ? {} : { env };
}

export type Started = { readonly child: ChildProcess; readonly firstLine: string };

/** Starts a script under this Node and waits for its first line on standard output. */
export function start(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Started> {
  const child = spawn(process.execPath, args, { ...withEnv(env), stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  child.on('exit', () => running.delete(child));
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}`)));
    createInterface({ input: child.stdout }).once('line', (firstLine) => resolve({ child, firstLine }));
  });
}

export function startPawl(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Started> {
  return start([MAIN, ...args], env);
}

/** Starts `pawl` and leaves its output to the caller. */
export function spawnPawl(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcessByStdio<null, Readable, null> {
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  child.on('exit', () => running.delete(child));
  return child;
}

/** Starts a program that says nothing. */
export function spawnProgram(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: 'ignore' });
  running.add(child);
  child.on('exit', () => running.delete(child));
  return child;
}

/** Runs a command to its end; its standard output. */
export function run(command: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(command, args, { ...withEnv(env), stdio: ['ignore', 'pipe', 'inherit'] });
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

export function runPawl(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<string> {
  return run(process.execPath, [MAIN, ...args], env);
}

/** Of a live process, in MiB: what it holds now, and the most that it ever held. */
export function memoryOf(pid: number): { readonly residentMib: number; readonly peakMib: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
  return { residentMib: mib('VmRSS'), peakMib: mib('VmHWM') };
}

export async function end({ child }: Started): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.removeAllListeners('exit');
  child.once('exit', () => running.delete(child));
  child.kill('SIGTERM');
  await Promise.race([ended, new Promise((resolve) => child.once('close', resolve))]);
}
