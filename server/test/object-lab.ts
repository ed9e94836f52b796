/** Releases with real objects in a folder and signed images, over the clock and the devices of RolloutLab. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ServerPorts } from '../src/acts/ports.ts';
import { createRelease, publishRelease, putArtifact } from '../src/acts/release.ts';
import { type BlobStore, blobName } from '../src/blobs/blob-store.ts';
import { FolderBlobs } from '../src/blobs/folder-blobs.ts';
import { RETENTION } from '../src/domain/retention.ts';
import { collectObjects } from '../src/jobs/objects.ts';
import { saveLine } from '../src/store/releases.ts';
import { RolloutLab } from './rollout-lab.ts';

export const DAY_S = 86_400;
export const YEAR_S = 366 * DAY_S;

const KEYS = generateKeyPairSync('ed25519');
const digestOf = (...parts: readonly Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();

function tlv(type: number, value: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(type, 0);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, value]);
}

/** A signed MCUboot image (design.md of MCUboot: header, body, then SHA-256, key hash and Ed25519 signature as TLVs). */
export function signedImage(text: string): Uint8Array {
  const body = Buffer.from(text);
  const header = Buffer.alloc(32);
  header.writeUInt32LE(0x96f3b83d, 0);
  header.writeUInt16LE(header.length, 8);
  header.writeUInt32LE(body.length, 12);
  const digest = digestOf(header, body);
  const keySha256 = digestOf(KEYS.publicKey.export({ type: 'spki', format: 'der' }));
  const tlvs = Buffer.concat([tlv(0x10, digest), tlv(0x01, keySha256), tlv(0x24, sign(null, digest, KEYS.privateKey))]);
  const info = Buffer.alloc(4);
  info.writeUInt16LE(0x6907, 0);
  info.writeUInt16LE(info.length + tlvs.length, 2);
  return new Uint8Array(Buffer.concat([header, body, info, tlvs]));
}

export class ObjectLab {
  readonly rollouts: RolloutLab;
  readonly ports: ServerPorts;
  readonly #folder: string;
  #releases = 0;

  private constructor(rollouts: RolloutLab, folder: string) {
    this.rollouts = rollouts;
    this.#folder = folder;
    this.ports = { ...rollouts.ports, blobs: new FolderBlobs(folder) };
  }

  static async open(): Promise<ObjectLab> {
    const lab = new ObjectLab(await RolloutLab.open(), await mkdtemp(join(tmpdir(), 'pawl-objects-')));
    const { tenantId } = lab.rollouts;
    const certificatesPem = [KEYS.publicKey.export({ type: 'spki', format: 'pem' }).toString()];
    await lab.ports.database.write((trx) => saveLine(trx, tenantId, { name: 'hub', certificatesPem }));
    return lab;
  }

  async close(): Promise<void> {
    await this.rollouts.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  sha256(bytes: Uint8Array): string {
    return digestOf(bytes).toString('hex');
  }

  async draft(bytes: Uint8Array): Promise<number> {
    this.#releases += 1;
    const artifacts = [{ name: 'image', sizeBytes: bytes.length, sha256: this.sha256(bytes) }];
    const input = { line: 'hub', version: `2.${this.#releases}.0`, kind: 'foreign' as const, artifacts };
    return (await createRelease(this.ports, this.rollouts.tenantId, input)).id;
  }

  /** An object that was written now, by the clock of the test. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.ports.blobs.write(Readable.from([bytes]), { sha256: this.sha256(bytes), sizeBytes: bytes.length });
    await this.date(bytes);
  }

  async date(bytes: Uint8Array): Promise<void> {
    const seconds = this.rollouts.nowMs / 1000;
    await utimes(join(this.#folder, blobName(this.sha256(bytes))), seconds, seconds);
  }

  async upload(id: number, bytes: Uint8Array): Promise<void> {
    await putArtifact(this.ports, this.rollouts.tenantId, { id, name: 'image' }, Readable.from([bytes]));
    await this.date(bytes);
  }

  async publish(id: number): Promise<void> {
    await publishRelease(this.ports, this.rollouts.tenantId, id);
  }

  async published(bytes: Uint8Array): Promise<number> {
    const id = await this.draft(bytes);
    await this.upload(id, bytes);
    await this.publish(id);
    return id;
  }

  /** Time passes, and the job runs; returns what it deleted. */
  async collect(seconds = 0, blobs: BlobStore = this.ports.blobs): Promise<string[]> {
    await this.rollouts.tick(seconds);
    return await collectObjects({ ...this.ports, blobs }, RETENTION);
  }

  has(bytes: Uint8Array): Promise<boolean> {
    return this.ports.blobs.has(this.sha256(bytes));
  }

  async isUploaded(id: number): Promise<boolean> {
    const { read } = this.ports.database;
    const row = await read
      .selectFrom('artifact')
      .select('uploaded_ms')
      .where('release_id', '=', id)
      .executeTakeFirstOrThrow();
    return row.uploaded_ms !== null;
  }

  /** A store whose deletions fail, before or after they are done: as a crash there. */
  crashing(when: 'before' | 'after'): BlobStore {
    const { blobs } = this.ports;
    return {
      write: (source, expected) => blobs.write(source, expected),
      open: (sha256, range) => blobs.open(sha256, range),
      link: (sha256, method) => blobs.link(sha256, method),
      readVerified: (sha256) => blobs.readVerified(sha256),
      has: (sha256) => blobs.has(sha256),
      list: () => blobs.list(),
      clearIncoming: (before) => blobs.clearIncoming(before),
      delete: async (sha256) => {
        if (when === 'after') await blobs.delete(sha256);
        throw new Error('crash');
      },
    };
  }
}
