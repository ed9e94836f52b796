/** A ledger of real statements for tests: signed by real keys, taken out as a bundle and verified, as a product would. */

import { type EatClaims, signEvidence } from '@pawl/core/attest';
import { toBase64 } from '@pawl/core/bytes';
import { keyIdOf } from '@pawl/core/cose';
import { PrivateKey, sha256 } from '@pawl/core/crypto';
import {
  appendLeaf,
  type BundleReport,
  encodeEnvelope,
  encodeVkey,
  leafHash,
  newStatement,
  type PredicateType,
  type Statement,
  signCheckpoint,
  signStatement,
  verifyBundle,
  writeBundle,
} from '@pawl/core/evidence';

const ORIGIN = 'test-ledger';

export class TestLedger {
  readonly #key = PrivateKey.generate('Ed25519');
  readonly #devices = new Map<string, PrivateKey>();
  readonly #entries: Uint8Array[] = [];

  async #append(
    signer: PrivateKey,
    predicateType: PredicateType,
    subject: { name: string; digest: { sha256: string } },
    predicate: Statement['predicate'],
  ): Promise<void> {
    const statement = newStatement({ predicateType, subject: [subject], predicate });
    this.#entries.push(encodeEnvelope(await signStatement(statement, signer)));
  }

  /** Enrols a device of a model with a key of its own. */
  async enrol(controllerId: string, model: string, line: string, at: string): Promise<void> {
    const key = PrivateKey.generate('ESP256');
    this.#devices.set(controllerId, key);
    const subject = { name: `device/${controllerId}`, digest: { sha256: keyIdOf(key.publicKey) } };
    const predicate = { controllerId, model, line, publicKey: key.publicKey.toSpkiPem(), at };
    await this.#append(this.#key, 'urn:pawl:device-enrolled:1', subject, predicate);
  }

  /** A report of an enrolled device, signed by it. */
  async report(controllerId: string, predicate: Statement['predicate']): Promise<void> {
    const key = this.#devices.get(controllerId);
    if (key === undefined) throw new TypeError('enrol the device first');
    const subject = { name: `device/${controllerId}`, digest: { sha256: keyIdOf(key.publicKey) } };
    await this.#append(key, 'urn:pawl:device-report:1', subject, predicate);
  }

  /** The server judged what an enrolled device attested; `by` signs in its place. */
  async attest(
    controllerId: string,
    claims: Omit<EatClaims, 'nonce'>,
    predicate: Statement['predicate'],
    by?: PrivateKey,
  ): Promise<void> {
    const key = this.#devices.get(controllerId);
    if (key === undefined) throw new TypeError('enrol the device first');
    const evidence = toBase64(await signEvidence({ nonce: new Uint8Array(56), ...claims }, by ?? key));
    const subject = { name: `device/${controllerId}`, digest: { sha256: keyIdOf(key.publicKey) } };
    await this.#append(this.#key, 'urn:pawl:attestation-verdict:1', subject, { evidence, ...predicate });
  }

  /** A statement of the server itself. */
  async record(predicateType: PredicateType, name: string, predicate: Statement['predicate']): Promise<void> {
    await this.#append(this.#key, predicateType, { name, digest: { sha256: '11'.repeat(32) } }, predicate);
  }

  /** The whole ledger as a bundle, verified. */
  async bundle(): Promise<BundleReport> {
    const nodes = new Map<string, Uint8Array>();
    const getNode = ({ level, index }: { level: number; index: number }): Promise<Uint8Array | undefined> =>
      Promise.resolve(nodes.get(`${level}/${index}`));
    let head = { size: 0, root: sha256(new Uint8Array()) };
    for (const [at, entry] of this.#entries.entries()) {
      const appended = await appendLeaf(at, leafHash(entry), getNode);
      for (const node of appended.nodes) nodes.set(`${node.level}/${node.index}`, node.hash);
      head = { size: appended.size, root: appended.root };
    }
    const checkpoint = await signCheckpoint({ origin: ORIGIN, ...head }, ORIGIN, this.#key);
    const vkey = encodeVkey(ORIGIN, this.#key.publicKey);
    return verifyBundle(writeBundle({ kind: 'complete', checkpoint, vkey, entries: this.#entries }), { vkey });
  }
}
