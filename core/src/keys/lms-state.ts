/**
 * Which leaves of an LMS key are used: an append-only record beside its key file (SP 800-208 §8.1: a one-time key is marked as
 * used in nonvolatile storage before its signature exists). A header, then one line of eleven bytes for each reservation: the
 * next leaf that is free.
 *
 * The header holds the number and birth of the very file: a copy or a restored backup is another file, and is refused. A
 * backup of the whole disk, block by block, cannot be told from the original; whoever makes one must not go on with both.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KeysError } from './errors.ts';

const MODE_OWNER_ONLY = 0o600;
const LINE_SIZE_BYTES = 11;
const SIZE_BYTES_MAX = 1024 * 1024;
const HEADER = /^pawl-lms-state 1 ([0-9a-f]{64}) (\d{1,20}-\d{1,20})\n/;

function unusable(path: string, reason: string, cause?: unknown): KeysError {
  return new KeysError('KEYS_STATE_UNUSABLE', { path, reason }, cause);
}

async function identityOf(handle: FileHandle): Promise<string> {
  const { ino, birthtimeNs } = await handle.stat({ bigint: true });
  return `${ino}-${birthtimeNs / 1_000_000n}`;
}

function lineOf(next: number): string {
  return `${String(next).padStart(LINE_SIZE_BYTES - 1, '0')}\n`;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function create(path: string, keyId: string, next: number): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'wx', MODE_OWNER_ONLY);
  } catch (cause) {
    throw new KeysError('KEYS_FILE_EXISTS', { path }, cause);
  }
  try {
    await handle.writeFile(`pawl-lms-state 1 ${keyId} ${await identityOf(handle)}\n${lineOf(next)}`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncFolder(path);
}

/**
 * Makes the record of a new key.
 * @throws KeysError KEYS_FILE_EXISTS
 */
export function createLmsState(path: string, keyId: string): Promise<void> {
  return create(path, keyId, 0);
}

/**
 * Makes a record anew after the original was lost: the operator says which leaf is certainly unused. The old record, if there
 * is one, must have been moved away.
 * @throws KeysError KEYS_FILE_EXISTS, KEYS_STATE_UNUSABLE
 */
export async function resumeLmsState(path: string, keyId: string, next: number): Promise<void> {
  if (!Number.isSafeInteger(next) || next < 1 || next > 2 ** 25) throw unusable(path, `leaf ${next}`);
  await create(path, keyId, next);
}

/** The next free leaf by the lines of a record; half a line at its end was never acted on. */
function parseLines(path: string, text: string): number {
  let last = -1;
  for (let at = 0; at + LINE_SIZE_BYTES <= text.length; at += LINE_SIZE_BYTES) {
    const line = text.slice(at, at + LINE_SIZE_BYTES);
    const next = Number(line);
    if (!/^\d{10}\n$/.test(line) || next <= last) throw unusable(path, 'leaves that do not rise');
    last = next;
  }
  if (last < 0) throw unusable(path, 'no line');
  return last;
}

async function readRecord(
  handle: FileHandle,
  path: string,
  keyId: string,
): Promise<{ next: number; sizeBytes: number }> {
  const { size } = await handle.stat();
  if (size > SIZE_BYTES_MAX) throw unusable(path, 'too large');
  const bytes = Buffer.alloc(size);
  const { bytesRead } = await handle.read(bytes, 0, size, 0);
  if (bytesRead !== size) throw unusable(path, 'it cannot be read whole');
  const text = bytes.toString('latin1');
  const match = HEADER.exec(text);
  if (match === null || match[1] !== keyId) throw unusable(path, 'the header of another key, or none');
  if (match[2] !== (await identityOf(handle))) throw new KeysError('KEYS_STATE_RESTORED', { path });
  const body = text.slice(match[0].length);
  const next = parseLines(path, body);
  return { next, sizeBytes: match[0].length + body.length - (body.length % LINE_SIZE_BYTES) };
}

export type Reservation = {
  readonly path: string;
  readonly keyId: string;
  readonly signaturesMax: number;
  /** What is known from elsewhere (a signing log): so many leaves are used at least. */
  readonly usedAtLeast: number;
};

/**
 * Takes the next leaf: when this returns, it is on the disk that the leaf is used. One process at a time must do this.
 * @throws KeysError KEYS_STATE_UNUSABLE, KEYS_STATE_RESTORED, KEYS_EXHAUSTED
 */
export async function reserveLeaf({ path, keyId, signaturesMax, usedAtLeast }: Reservation): Promise<number> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r+');
  } catch (cause) {
    throw unusable(path, 'it cannot be opened', cause);
  }
  try {
    const record = await readRecord(handle, path, keyId);
    const leaf = Math.max(record.next, usedAtLeast);
    if (leaf >= signaturesMax) throw new KeysError('KEYS_EXHAUSTED', { keyId, signaturesMax });
    await handle.write(Buffer.from(lineOf(leaf + 1), 'latin1'), 0, LINE_SIZE_BYTES, record.sizeBytes);
    await handle.sync();
    const written = await readRecord(handle, path, keyId);
    if (written.next !== leaf + 1) throw unusable(path, 'the reservation was not kept');
    return leaf;
  } finally {
    await handle.close();
  }
}
