/**
 * The operator's side of one product line, for tests: offline keys, TUF metadata and sealed releases made by core's own
 * producers, and every way to get one of them wrong.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { ManagementClient } from '@pawl/contract/client';
import type { NewTrust } from '@pawl/contract/management';
import { concat, toBase64 } from '@pawl/core/bytes';
import { contentAad, encryptInfo } from '@pawl/core/cose';
import { AgreementKey, createAeadEncryptor, PrivateKey, PublicKey, sha256 } from '@pawl/core/crypto';
import { encodeEnvelope, newStatement, signStatement } from '@pawl/core/evidence';
import { buildTwoSlotManifest, signEnvelope } from '@pawl/core/suit';
import {
  encodeLineKeys,
  encodeReleaseCustom,
  lineKeysPath,
  newRoot,
  newTargets,
  nextRoot,
  nextTargets,
  signMetadata,
  withDelegation,
  withTarget,
} from '@pawl/core/trust';

export const LINE = 'gateway';
const A256GCM = 3;
const DAY_MS = 86_400_000;

export type SealOptions = {
  readonly version: string;
  readonly sequenceNumber?: bigint;
  readonly securityCounter?: bigint;
  readonly signers?: readonly PrivateKey[];
  readonly listedVersion?: string;
  readonly isListed?: boolean;
  readonly changeEnvelope?: (envelope: Uint8Array) => Uint8Array;
  /** Random when left out. */
  readonly image?: Uint8Array;
  /** The name of the payload in the manifest, when it is not that of the artifact. */
  readonly payloadName?: string;
  /** Who signs the statement of the release; nobody when left out. */
  readonly statementBy?: PrivateKey;
};

export type Sealed = {
  readonly version: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly statement: string | undefined;
};

export class LineRepository {
  readonly now: () => Date;
  readonly keys = {
    root: PrivateKey.generate('ESP256'),
    release: PrivateKey.generate('ESP256'),
    image: PrivateKey.generate('ESP256'),
  };
  readonly lineKey: AgreementKey = AgreementKey.generate();
  root: ReturnType<typeof newRoot>;
  targets: ReturnType<typeof newTargets>;
  line: ReturnType<typeof newTargets>;
  readonly lineKeys: Uint8Array;

  private constructor(online: { readonly snapshot: PublicKey; readonly timestamp: PublicKey }, now: () => Date) {
    this.now = now;
    this.root = newRoot({
      keys: {
        root: [this.keys.root.publicKey],
        targets: [this.keys.release.publicKey],
        snapshot: [online.snapshot],
        timestamp: [online.timestamp],
      },
      expiresAt: this.afterDays(365),
    });
    this.lineKeys = encodeLineKeys({ line: LINE, keys: [this.keys.image.publicKey], requiredAlgorithms: ['ESP256'] });
    const target = { path: lineKeysPath(LINE), sizeBytes: this.lineKeys.length, sha256: sha256(this.lineKeys) };
    this.targets = withDelegation(withTarget(newTargets({ expiresAt: this.afterDays(180) }), target), {
      role: LINE,
      keys: [this.keys.release.publicKey],
      paths: [`${LINE}/*/*`],
    });
    this.line = newTargets({ expiresAt: this.afterDays(90) });
  }

  /** A repository whose root names the online keys of this server. */
  static async of(operator: ManagementClient, now = () => new Date()): Promise<LineRepository> {
    const { onlineKeys } = await operator.call('getTrust', {});
    const { snapshot, timestamp } = onlineKeys;
    return new LineRepository(
      { snapshot: PublicKey.fromSpki(snapshot), timestamp: PublicKey.fromSpki(timestamp) },
      now,
    );
  }

  afterDays(days: number): Date {
    return new Date(this.now().getTime() + days * DAY_MS);
  }

  async signed(
    role: 'root' | 'targets' | 'line',
    signers: readonly PrivateKey[] = [role === 'root' ? this.keys.root : this.keys.release],
  ): Promise<string> {
    return toBase64(await signMetadata(this[role], signers));
  }

  /** Hands in everything as it stands; gives what was handed in. */
  async handIn(operator: ManagementClient): Promise<NewTrust> {
    const [root, targets, line] = [await this.signed('root'), await this.signed('targets'), await this.signed('line')];
    const body = { roots: [root], targets, lines: { [LINE]: line }, lineKeys: { [LINE]: toBase64(this.lineKeys) } };
    await operator.call('putTrust', { body });
    return body;
  }

  async handInLine(operator: ManagementClient): Promise<void> {
    await operator.call('putTrust', { body: { lines: { [LINE]: await this.signed('line') } } });
  }

  nextRoot(): void {
    this.root = nextRoot(this.root, { expiresAt: this.afterDays(365) });
  }

  nextTargets(): void {
    this.targets = nextTargets(this.targets, { expiresAt: this.afterDays(180) });
  }

  /** Seals a small image and lists it in the next line metadata (not handed in yet). */
  async seal(options: SealOptions): Promise<Sealed> {
    const { version, sequenceNumber = 1n, securityCounter = 1n } = options;
    const image = options.image ?? new Uint8Array(randomBytes(2000));
    const secrets = { contentKey: new Uint8Array(randomBytes(32)), iv: new Uint8Array(randomBytes(12)) };
    const { contentKey: key, iv } = secrets;
    const encryptor = createAeadEncryptor({ algorithm: A256GCM, key, iv, aad: contentAad(A256GCM) });
    const payload = concat(encryptor.update(image), encryptor.final());
    const manifest = buildTwoSlotManifest({
      vendorDomain: 'hubs.example',
      classInfo: 'Hub one',
      sequenceNumber,
      securityCounter,
      version,
      imageDigest: sha256(image),
      imageSizeBytes: image.length,
      payloadName: options.payloadName ?? 'hub.enc',
      encryptionInfo: encryptInfo({
        algorithm: A256GCM,
        ...secrets,
        recipients: [{ kind: 'ecdh-es', publicKey: this.lineKey.publicKey, keyWrap: -31 }],
      }),
    });
    const authentic = await signEnvelope(manifest, options.signers ?? [this.keys.image]);
    const envelope = options.changeEnvelope?.(authentic) ?? authentic;
    const files = new Map([
      ['envelope.suit', envelope],
      ['hub.enc', payload],
    ]);
    if (options.isListed !== false) this.#list(options, files);
    const by = options.statementBy;
    const statement = by === undefined ? undefined : await this.#state(version, envelope, by);
    return { version, files, statement };
  }

  #list(options: SealOptions, files: ReadonlyMap<string, Uint8Array>): void {
    const { version, sequenceNumber = 1n, securityCounter = 1n } = options;
    this.line = nextTargets(this.line, { expiresAt: this.afterDays(90) });
    for (const [name, bytes] of files) {
      const custom = encodeReleaseCustom({
        version: options.listedVersion ?? version,
        sequenceNumber,
        securityCounter,
      });
      this.line = withTarget(this.line, {
        path: `${LINE}/${version}/${name}`,
        sizeBytes: bytes.length,
        sha256: sha256(bytes),
        ...(name === 'envelope.suit' ? { custom } : {}),
      });
    }
  }

  async #state(version: string, envelope: Uint8Array, signer: PrivateKey): Promise<string> {
    const statement = newStatement({
      predicateType: 'urn:pawl:release:1',
      subject: [
        { name: `release/${LINE}/${version}`, digest: { sha256: Buffer.from(sha256(envelope)).toString('hex') } },
      ],
      predicate: { line: LINE, version, at: this.now().toISOString() },
    });
    return toBase64(encodeEnvelope(await signStatement(statement, signer)));
  }
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Announces a sealed release; uploads nothing. */
export async function announce(operator: ManagementClient, sealed: Sealed, more: object = {}): Promise<number> {
  const artifacts = [...sealed.files].map(([name, bytes]) => ({
    name,
    sizeBytes: bytes.length,
    sha256: sha256Hex(bytes),
  }));
  const { version, statement } = sealed;
  const body = { line: LINE, version, kind: 'pawl' as const, artifacts, ...more };
  const { id } = await operator.call('createRelease', {
    body: { ...body, ...(statement === undefined ? {} : { statement }) },
  });
  return id;
}

export async function upload(operator: ManagementClient, id: number, sealed: Sealed): Promise<void> {
  for (const [name, bytes] of sealed.files) {
    await operator.call('putArtifact', { params: { id, name }, body: bytes, sizeBytes: bytes.length });
  }
}

/** Seals, lists, announces, uploads and publishes; the id of the release. */
export async function publish(
  operator: ManagementClient,
  repository: LineRepository,
  options: SealOptions,
): Promise<number> {
  const sealed = await repository.seal(options);
  await repository.handInLine(operator);
  const id = await announce(operator, sealed);
  await upload(operator, id, sealed);
  await operator.call('publishRelease', { params: { id }, body: {} });
  return id;
}
