/**
 * The journal: append-only, fsynced, hash-chained. A frame is `u32 length, u32 ~length, JSON payload, 32-byte head`, where
 * head = SHA-256(previous head || payload), all integers big-endian.
 *
 * An append is one write, so a cut leaves at most one incomplete frame, at the end: it is cut off and noted. Anything else
 * that does not fit the chain is damage, and stops the agent: a guess could lower the floor. A long journal is replaced
 * (temporary file, fsync, rename, fsync of the folder) by one that begins with a snapshot and goes on from the old head.
 */
import { dirname } from 'node:path';
import { concat, fromUtf8, isEqualBytes, toHex, utf8 } from '@pawl/core/bytes';
import { sha256 } from '@pawl/core/crypto';
import { type Disk, type DiskFile, saveFile } from './disk.ts';
import { AgentError } from './errors.ts';
import { type AgentState, applyRecord, type JournalRecord } from './state.ts';

const PREFIX_BYTES = 8;
const HEAD_BYTES = 32;
const PAYLOAD_BYTES_MAX = 1024 * 1024;
const COMPACT_ABOVE_BYTES = 128 * 1024;

/** What was read: the state after every record, and where the good part ends. */
type Reading = {
  readonly state: AgentState | undefined;
  readonly head: Uint8Array;
  readonly records: number;
  readonly goodBytes: number;
};

function encodeFrame(
  previousHead: Uint8Array,
  record: JournalRecord,
): { readonly frame: Uint8Array; readonly head: Uint8Array } {
  const payload = utf8(JSON.stringify(record));
  const prefix = new DataView(new ArrayBuffer(PREFIX_BYTES));
  prefix.setUint32(0, payload.length);
  prefix.setUint32(4, ~payload.length >>> 0);
  const head = sha256(concat(previousHead, payload));
  return { frame: concat(new Uint8Array(prefix.buffer), payload, head), head };
}

function corrupt(offset: number, expected: string): AgentError {
  return new AgentError('AGENT_JOURNAL_CORRUPT', { offset, expected });
}

/** The payload size of the frame at `offset`; undefined when the frame is incomplete. */
function payloadSizeAt(bytes: Uint8Array, offset: number): number | undefined {
  if (bytes.length - offset < PREFIX_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, PREFIX_BYTES);
  const size = view.getUint32(0);
  if (view.getUint32(4) !== ~size >>> 0 || size > PAYLOAD_BYTES_MAX) {
    // A file system may have made the file longer before the bytes of the append arrived: zeros up to the end.
    if (bytes.subarray(offset).every((byte) => byte === 0)) return undefined;
    throw corrupt(offset, 'the length of a record');
  }
  return bytes.length - offset < PREFIX_BYTES + size + HEAD_BYTES ? undefined : size;
}

function parseRecord(payload: Uint8Array): JournalRecord {
  // The chain vouches for the bytes: they are what this code wrote.
  return JSON.parse(fromUtf8(payload)) as JournalRecord;
}

function startOf(record: JournalRecord): Pick<Reading, 'records'> & { readonly state: AgentState } {
  if (record.kind !== 'snapshot') throw corrupt(0, 'a snapshot as the first record');
  return { state: record.state, records: record.records };
}

/** @throws AgentError AGENT_JOURNAL_CORRUPT */
function readFrames(bytes: Uint8Array): Reading {
  let state: AgentState | undefined;
  let head: Uint8Array = new Uint8Array(HEAD_BYTES);
  let records = 0;
  let offset = 0;
  while (offset < bytes.length) {
    const size = payloadSizeAt(bytes, offset);
    if (size === undefined) break;
    const payload = bytes.subarray(offset + PREFIX_BYTES, offset + PREFIX_BYTES + size);
    const end = offset + PREFIX_BYTES + size + HEAD_BYTES;
    const written = bytes.subarray(end - HEAD_BYTES, end);
    const expected = sha256(concat(head, payload));
    if (!isEqualBytes(expected, written)) {
      // The last frame may be there in length but not in content, when power failed during the append.
      if (end === bytes.length && state !== undefined) break;
      throw corrupt(offset, 'the next head of the chain');
    }
    const record = parseRecord(payload);
    if (state === undefined) ({ state, records } = startOf(record));
    else state = applyRecord(state, record);
    records += 1;
    head = expected;
    offset = end;
  }
  return { state, head, records, goodBytes: offset };
}

export type JournalStatus = { readonly state: AgentState; readonly head: string; readonly records: number };

/**
 * Reads a journal without changing it; an incomplete end is left alone.
 * @throws AgentError AGENT_STATE_MISSING, AGENT_JOURNAL_CORRUPT
 */
export async function readJournal(disk: Disk, path: string): Promise<JournalStatus> {
  const bytes = await disk.read(path);
  if (bytes === undefined) throw new AgentError('AGENT_STATE_MISSING', { path });
  const { state, head, records } = readFrames(bytes);
  if (state === undefined) throw corrupt(0, 'a first record');
  return { state, head: toHex(head), records };
}

async function writeSnapshot(
  disk: Disk,
  path: string,
  snapshot: { readonly state: AgentState; readonly previousHead: Uint8Array; readonly records: number },
): Promise<void> {
  const { state, previousHead, records } = snapshot;
  const record: JournalRecord = { kind: 'snapshot', state, previousHead: toHex(previousHead), records };
  // The chain starts anew; the record names the head that it goes on from.
  await saveFile(disk, path, encodeFrame(new Uint8Array(HEAD_BYTES), record).frame);
}

/** Makes the journal of a device that leaves production. */
export async function createJournal(disk: Disk, path: string, state: AgentState): Promise<void> {
  await writeSnapshot(disk, path, { state, previousHead: new Uint8Array(HEAD_BYTES), records: 0 });
}

/** The journal of the one agent that holds the lock. */
export class Journal {
  readonly #disk: Disk;
  readonly #path: string;
  #file: DiskFile;
  #reading: Reading;
  #state: AgentState;
  #hasFailed = false;

  private constructor(disk: Disk, path: string, file: DiskFile, reading: Reading & { readonly state: AgentState }) {
    this.#disk = disk;
    this.#path = path;
    this.#file = file;
    this.#reading = reading;
    this.#state = reading.state;
  }

  /** @throws AgentError AGENT_STATE_MISSING, AGENT_JOURNAL_CORRUPT, AGENT_STATE_READ_ONLY */
  static async open(disk: Disk, path: string): Promise<Journal> {
    const bytes = await disk.read(path);
    if (bytes === undefined) throw new AgentError('AGENT_STATE_MISSING', { path });
    const reading = readFrames(bytes);
    const { state, goodBytes } = reading;
    if (state === undefined) throw corrupt(0, 'a first record');
    const file = await disk.open(path);
    try {
      const journal = new Journal(disk, path, file, { ...reading, state });
      const tornBytes = bytes.length - goodBytes;
      if (tornBytes > 0) {
        await file.truncate(goodBytes);
        await file.sync();
        await journal.append({ kind: 'torn-tail', sizeBytes: tornBytes });
      }
      return journal;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get state(): AgentState {
    return this.#state;
  }
  /** Hex of the last head: what a report names, so that a journal cannot be rewritten unseen. */
  get head(): string {
    return toHex(this.#reading.head);
  }
  get records(): number {
    return this.#reading.records;
  }

  /** Durable when it returns. The caller awaits each append before the next. */
  async append(record: JournalRecord): Promise<void> {
    // Before anything is written: a record that does not apply would make the journal unreadable.
    const state = applyRecord(this.#state, record);
    const { records, goodBytes } = this.#reading;
    const { frame, head } = encodeFrame(this.#reading.head, record);
    // What a failed append left behind must not stand after a shorter record.
    if (this.#hasFailed) await this.#file.truncate(goodBytes);
    this.#hasFailed = true;
    await this.#file.write(goodBytes, frame);
    await this.#file.sync();
    this.#hasFailed = false;
    this.#state = state;
    this.#reading = { state, head, records: records + 1, goodBytes: goodBytes + frame.length };
  }

  /** Replaces the journal by a snapshot when it has grown long. */
  async compactIfLong(aboveBytes = COMPACT_ABOVE_BYTES): Promise<void> {
    const { goodBytes, head, records } = this.#reading;
    if (goodBytes <= aboveBytes) return;
    await writeSnapshot(this.#disk, this.#path, { state: this.#state, previousHead: head, records });
    const old = this.#file;
    this.#file = await this.#disk.open(this.#path);
    await old.close();
    await this.#disk.syncFolder(dirname(this.#path));
    const bytes = await this.#disk.read(this.#path);
    this.#reading = readFrames(bytes ?? new Uint8Array(0));
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
