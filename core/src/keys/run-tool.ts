/**
 * Runs a signing tool: no shell, bytes in, bytes out, everything bounded. The tool leads its own session, so that it
 * cannot prompt on the terminal and so that a hang ends for it and all its children. What it says on its standard error is
 * kept cut; an error quotes the end of it, which is where tools say why.
 */
import { spawn } from 'node:child_process';
import { concat } from '../bytes/index.ts';
import type { PublicKey } from '../crypto/index.ts';
import { KeysError } from './errors.ts';

const STDOUT_SIZE_BYTES_MAX = 64 * 1024;
const STDERR_SIZE_BYTES_MAX = 16 * 1024;
const REASON_CHARS_MAX = 64;

/** The environment of this process, which tools get: it says where tokens and services are. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a signer outside is asked for. */
export type SigningRequest = {
  readonly publicKey: PublicKey;
  readonly message: Uint8Array;
  readonly env: Environment;
};

export type ToolRun = {
  /** The command and its arguments; the first is looked up in PATH. */
  readonly command: readonly string[];
  readonly env: Environment;
  readonly input: Uint8Array;
  readonly timeoutMs: number;
};
export type ToolAnswer = { readonly status: number; readonly stdout: Uint8Array; readonly stderr: string };

type Ending = 'own' | 'timeout' | 'overflow';

/** Keeps what fits; true when there was more. */
class Bounded {
  readonly #sizeBytesMax: number;
  #kept: Uint8Array = new Uint8Array();
  constructor(sizeBytesMax: number) {
    this.#sizeBytesMax = sizeBytesMax;
  }
  add(chunk: Uint8Array): boolean {
    const room = this.#sizeBytesMax - this.#kept.length;
    this.#kept = concat(this.#kept, chunk.subarray(0, room));
    return chunk.length > room;
  }
  get bytes(): Uint8Array {
    return this.#kept;
  }
}

/** The end of what a tool said, on one line, for an error message. */
export function reasonOf(stderr: string): string {
  const line = stderr.replace(/\s+/g, ' ').trim();
  return line.length > REASON_CHARS_MAX ? line.slice(-REASON_CHARS_MAX) : line;
}

function start({ command, env }: ToolRun): ReturnType<typeof spawn> {
  const [file = '', ...args] = command;
  // LC_ALL: the messages of tools are read below, in English.
  return spawn(file, args, { env: { ...env, LC_ALL: 'C' }, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function failure(ending: Ending, name: string, timeoutMs: number): KeysError {
  if (ending === 'timeout') return new KeysError('KEYS_TOOL_TIMEOUT', { tool: name, timeoutMs });
  return new KeysError('KEYS_SIGNATURE_MALFORMED', { tool: name, sizeBytesMax: STDOUT_SIZE_BYTES_MAX });
}

/**
 * Runs a tool to its end; its exit status is the caller's to judge.
 * @throws KeysError KEYS_TOOL_MISSING, KEYS_TOOL_TIMEOUT, KEYS_SIGNATURE_MALFORMED when it writes without end
 */
export function runTool(run: ToolRun): Promise<ToolAnswer> {
  const name = run.command[0] ?? '';
  return new Promise((resolve, reject) => {
    const child = start(run);
    const stdout = new Bounded(STDOUT_SIZE_BYTES_MAX);
    const stderr = new Bounded(STDERR_SIZE_BYTES_MAX);
    let ending: Ending = 'own';
    const end = (why: Ending): void => {
      if (ending === 'own') ending = why;
      endGroup(child.pid);
      // A grandchild that left the group could hold the pipes open for ever.
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    const timer = setTimeout(() => end('timeout'), run.timeoutMs);
    child.stdout?.on('data', (chunk: Uint8Array) => {
      if (stdout.add(chunk)) end('overflow');
    });
    child.stderr?.on('data', (chunk: Uint8Array) => stderr.add(chunk));
    // A tool that ends without reading is judged by its status, not by the broken pipe.
    child.stdin?.on('error', () => undefined);
    child.on('error', (cause) => {
      clearTimeout(timer);
      reject(new KeysError('KEYS_TOOL_MISSING', { tool: name }, cause));
    });
    child.on('close', (status) => {
      clearTimeout(timer);
      if (ending !== 'own') reject(failure(ending, name, run.timeoutMs));
      else resolve({ status: status ?? -1, stdout: stdout.bytes, stderr: new TextDecoder().decode(stderr.bytes) });
    });
    child.stdin?.end(run.input);
  });
}
