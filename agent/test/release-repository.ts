/**
 * A repository of releases for the agent's tests: real TUF metadata and real SUIT envelopes, made by core's own producers,
 * with every way to publish something wrong. What a device may fetch stands in `trustFiles` and `artifacts`.
 */
import { randomBytes } from 'node:crypto';
import { concat } from '@pawl/core/bytes';
import { contentAad, encryptInfo } from '@pawl/core/cose';
import { AgreementKey, createAeadEncryptor, PrivateKey, sha256 } from '@pawl/core/crypto';
import { buildTwoSlotManifest, signEnvelope } from '@pawl/core/suit';
import {
  encodeLineKeys,
  encodeReleaseCustom,
  lineKeysPath,
  newRoot,
  newSnapshot,
  newTargets,
  newTimestamp,
  nextSnapshot,
  nextTargets,
  signMetadata,
  withDelegation,
  withTarget,
} from '@pawl/core/trust';

export const LINE = 'hub';
export const VENDOR_DOMAIN = 'hubs.example';
export const CLASS_INFO = 'Hub one';
export const NOW: Date = new Date('2026-03-01T12:00:00Z');
const DAY_MS = 86_400_000;
const A256GCM = 3;

export type ReleaseOptions = {
  readonly version: string;
  readonly sequenceNumber: bigint;
  readonly securityCounter: bigint;
  readonly image: Uint8Array;
  readonly vendorDomain?: string;
  readonly classInfo?: string;
  /** Image keys that sign the envelope; the listed one by default. */
  readonly signers?: readonly PrivateKey[];
  /** The envelope as it is listed, when it is not what was signed. */
  readonly changeEnvelope?: (envelope: Uint8Array) => Uint8Array;
  readonly listedVersion?: string;
  readonly isListed?: boolean;
  /** What the manifest says of the image, when it is not the truth. */
  readonly imageDigest?: Uint8Array;
  readonly lineKey?: AgreementKey;
};

function afterDays(days: number): Date {
  return new Date(NOW.getTime() + days * DAY_MS);
}

export class ReleaseRepository {
  readonly keys = {
    root: PrivateKey.generate('ESP256'),
    release: PrivateKey.generate('ESP256'),
    snapshot: PrivateKey.generate('Ed25519'),
    timestamp: PrivateKey.generate('Ed25519'),
    image: PrivateKey.generate('ESP256'),
  };
  readonly lineKey: AgreementKey = AgreementKey.generate();
  readonly trustFiles = new Map<string, Uint8Array>();
  /** `<version>/<name>`. */
  readonly artifacts = new Map<string, Uint8Array>();
  #line = newTargets({ expiresAt: afterDays(90) });
  #targets: Uint8Array = new Uint8Array(0);
  #snapshot: ReturnType<typeof newSnapshot> | undefined;
  #timestampVersion = 0;

  static async start(): Promise<ReleaseRepository> {
    const repository = new ReleaseRepository();
    const { keys, trustFiles } = repository;
    const root = newRoot({
      keys: {
        root: [keys.root.publicKey],
        targets: [keys.release.publicKey],
        snapshot: [keys.snapshot.publicKey],
        timestamp: [keys.timestamp.publicKey],
      },
      expiresAt: afterDays(365),
    });
    trustFiles.set('1.root.json', await signMetadata(root, [keys.root]));
    const lineKeys = encodeLineKeys({ line: LINE, keys: [keys.image.publicKey], requiredAlgorithms: ['ESP256'] });
    const digest = sha256(lineKeys);
    trustFiles.set(`${Buffer.from(digest).toString('hex')}.${LINE}.cbor`, lineKeys);
    let targets = newTargets({ expiresAt: afterDays(180) });
    targets = withTarget(targets, { path: lineKeysPath(LINE), sizeBytes: lineKeys.length, sha256: digest });
    targets = withDelegation(targets, { role: LINE, keys: [keys.release.publicKey], paths: [`${LINE}/*/*`] });
    repository.#targets = await signMetadata(targets, [keys.release]);
    trustFiles.set('1.targets.json', repository.#targets);
    await repository.publish();
    return repository;
  }

  get root(): Uint8Array {
    return this.file('1.root.json');
  }

  file(name: string): Uint8Array {
    const bytes = this.trustFiles.get(name);
    if (bytes === undefined) throw new Error(`no ${name}`);
    return bytes;
  }

  artifact(name: string): Uint8Array {
    const bytes = this.artifacts.get(name);
    if (bytes === undefined) throw new Error(`no ${name}`);
    return bytes;
  }

  /** Signs what is listed now, and the freshness over it. */
  async publish(timestampDays = 7): Promise<void> {
    const { keys, trustFiles } = this;
    const line = await signMetadata(this.#line, [keys.release]);
    trustFiles.set(`${this.#line.signed.version}.${LINE}.json`, line);
    const content = {
      expiresAt: afterDays(14),
      roles: new Map([
        ['targets', this.#targets],
        [LINE, line],
      ]),
    };
    this.#snapshot = this.#snapshot === undefined ? newSnapshot(content) : nextSnapshot(this.#snapshot, content);
    const snapshot = await signMetadata(this.#snapshot, [keys.snapshot]);
    trustFiles.set(`${this.#snapshot.signed.version}.snapshot.json`, snapshot);
    this.#timestampVersion += 1;
    const timestamp = newTimestamp({
      version: this.#timestampVersion,
      expiresAt: afterDays(timestampDays),
      snapshot,
    });
    trustFiles.set('timestamp.json', await signMetadata(timestamp, [keys.timestamp]));
  }

  /** Seals a release, lists it and publishes. */
  async release(options: ReleaseOptions): Promise<void> {
    const { version, image } = options;
    const secrets = { contentKey: new Uint8Array(randomBytes(32)), iv: new Uint8Array(randomBytes(12)) };
    const encryptor = createAeadEncryptor({
      algorithm: A256GCM,
      key: secrets.contentKey,
      iv: secrets.iv,
      aad: contentAad(A256GCM),
    });
    const payload = concat(encryptor.update(image), encryptor.final());
    const manifest = buildTwoSlotManifest({
      vendorDomain: options.vendorDomain ?? VENDOR_DOMAIN,
      classInfo: options.classInfo ?? CLASS_INFO,
      sequenceNumber: options.sequenceNumber,
      securityCounter: options.securityCounter,
      version,
      imageDigest: options.imageDigest ?? sha256(image),
      imageSizeBytes: image.length,
      payloadName: 'hub.enc',
      encryptionInfo: encryptInfo({
        algorithm: A256GCM,
        ...secrets,
        recipients: [{ kind: 'ecdh-es', publicKey: (options.lineKey ?? this.lineKey).publicKey, keyWrap: -31 }],
      }),
    });
    const signed = await signEnvelope(manifest, options.signers ?? [this.keys.image]);
    const envelope = options.changeEnvelope?.(signed) ?? signed;
    this.artifacts.set(`${version}/envelope.suit`, envelope);
    this.artifacts.set(`${version}/hub.enc`, payload);
    this.#line = nextTargets(this.#line, { expiresAt: afterDays(90) });
    if (options.isListed !== false) this.#list(options, envelope, payload);
    await this.publish();
  }

  #list(options: ReleaseOptions, envelope: Uint8Array, payload: Uint8Array): void {
    const { version, sequenceNumber, securityCounter } = options;
    this.#line = withTarget(this.#line, {
      path: `${LINE}/${version}/envelope.suit`,
      sizeBytes: envelope.length,
      sha256: sha256(envelope),
      custom: encodeReleaseCustom({ version: options.listedVersion ?? version, sequenceNumber, securityCounter }),
    });
    this.#line = withTarget(this.#line, {
      path: `${LINE}/${version}/hub.enc`,
      sizeBytes: payload.length,
      sha256: sha256(payload),
    });
  }
}
