/** A small ledger of every kind of signer, its bundles, and the ways in which an attacker would change them. */
import assert from 'node:assert/strict';
import { zipSync } from 'fflate';
import { toHex, utf8 } from '../src/bytes/index.ts';
import { PrivateKey, type Signer, sha256 } from '../src/crypto/index.ts';
import {
  type BundleKind,
  CONTENTS,
  encodeContents,
  encodeLines,
  MEMBER_NAMES,
  splitLines,
} from '../src/evidence/bundle-format.ts';
import { verifyBundle } from '../src/evidence/bundle-verify.ts';
import { writeBundle } from '../src/evidence/bundle-write.ts';
import { readZip } from '../src/evidence/bundle-zip.ts';
import { signCheckpoint } from '../src/evidence/checkpoint.ts';
import { encodeEnvelope, signStatement } from '../src/evidence/dsse.ts';
import type { EvidenceErrorCode } from '../src/evidence/errors.ts';
import { inclusionProof } from '../src/evidence/merkle-proof.ts';
import { appendLeaf, leafHash, type NodeId } from '../src/evidence/merkle-tree.ts';
import type { PredicateType } from '../src/evidence/predicates.ts';
import { encodeVkey } from '../src/evidence/signed-note.ts';
import { newStatement } from '../src/evidence/statement.ts';
import type { JsonObject } from '../src/trust/index.ts';

export const NAME = 'pawl.example/ledger';
export const ledgerKey = PrivateKey.generate('Ed25519');
export const deviceKey = PrivateKey.generate('ESP256');
export const imageKey = PrivateKey.generate('ESP256');
export const vkey = encodeVkey(NAME, ledgerKey.publicKey);
export const trustRoot = utf8('{"signed":"the newest root"}');

export class Ledger {
  readonly #nodes = new Map<string, Uint8Array>();
  readonly entries: Uint8Array[] = [];
  root: Uint8Array = sha256(new Uint8Array());
  readonly get = ({ level, index }: NodeId): Uint8Array | undefined => this.#nodes.get(`${level}/${index}`);

  async add(
    predicateType: PredicateType,
    predicate: JsonObject,
    signer: Signer,
    digest = 'cd'.repeat(32),
  ): Promise<void> {
    const subject = [{ name: 'hub-1', digest: { sha256: digest } }];
    const statement = newStatement({ predicateType, subject, predicate });
    await this.addBytes(encodeEnvelope(await signStatement(statement, signer)));
  }
  async addBytes(envelope: Uint8Array): Promise<void> {
    const { nodes, root } = await appendLeaf(this.entries.length, leafHash(envelope), this.get);
    for (const { level, index, hash } of nodes) this.#nodes.set(`${level}/${index}`, hash);
    this.entries.push(envelope);
    this.root = root;
  }
  checkpoint(): Promise<string> {
    return signCheckpoint({ origin: NAME, size: this.entries.length, root: this.root }, NAME, ledgerKey);
  }
  async complete(): Promise<Uint8Array> {
    return writeBundle({ kind: 'complete', checkpoint: await this.checkpoint(), vkey, entries: this.entries });
  }
  async partial(indexes: readonly number[]): Promise<Uint8Array> {
    const entries = [];
    for (const index of indexes) {
      const hashes = await inclusionProof(index, this.entries.length, this.get);
      entries.push({ index, hashes, envelope: this.entries[index] ?? new Uint8Array() });
    }
    return writeBundle({ kind: 'partial', checkpoint: await this.checkpoint(), vkey, entries });
  }
}

export const enrolled = { publicKey: deviceKey.publicKey.toSpkiPem() };
export const ledger = new Ledger();
/** Fills the ledger; gives a complete bundle of it and a partial one. */
export async function sampleBundles(): Promise<{ readonly complete: Uint8Array; readonly partial: Uint8Array }> {
  await ledger.add('urn:pawl:key-registered:1', { publicKey: imageKey.publicKey.toSpkiPem() }, ledgerKey);
  await ledger.add('urn:pawl:device-enrolled:1', enrolled, ledgerKey);
  await ledger.add('urn:pawl:trust-updated:1', {}, ledgerKey, toHex(sha256(trustRoot)));
  await ledger.add('urn:pawl:release:1', { version: '1.1.0' }, imageKey);
  await ledger.add('urn:pawl:device-report:1', { state: 'confirmed' }, deviceKey);
  await ledger.add('urn:pawl:assignment-transition:1', { to: 'confirmed' }, ledgerKey);
  const checkpoint = await ledger.checkpoint();
  const complete = writeBundle({ kind: 'complete', checkpoint, vkey, entries: ledger.entries, trustRoot });
  return { complete, partial: await ledger.partial([1, 4]) };
}

export const refuses = (bytes: Uint8Array, code: EvidenceErrorCode, name?: string): void =>
  assert.throws(() => verifyBundle(bytes, { vkey }), { code }, name);

/** A zip without compression, for tests that make thousands. */
export const stored = (members: ReadonlyMap<string, Uint8Array>): Uint8Array =>
  zipSync(Object.fromEntries(members), { level: 0 });
export const open = (bytes: Uint8Array): Map<string, Uint8Array> => new Map(readZip(bytes, MEMBER_NAMES, 1e6));

/** Changes members the way an attacker would: the table of contents is made to fit again. */
export function resealed(
  bytes: Uint8Array,
  kind: BundleKind,
  change: (members: Map<string, Uint8Array>) => void,
): Uint8Array {
  const members = open(bytes);
  members.delete(CONTENTS);
  change(members);
  return stored(new Map([[CONTENTS, encodeContents(kind, members)], ...members]));
}

export const withLines = (
  members: Map<string, Uint8Array>,
  name: string,
  change: (lines: Uint8Array[]) => Uint8Array[],
): void => {
  members.set(name, encodeLines(change(splitLines(name, members.get(name) ?? new Uint8Array()))));
};
