/**
 * Seals an image: encrypts it under a fresh content key for the product line, describes it in a SUIT manifest, signs that
 * with the image keys, and writes the release folder (docs/formats/release-folder.md). The image passes through memory as
 * a stream; its digest and its ciphertext are made in one reading. The folder appears only when everything is in it.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fromHex } from '@pawl/core/bytes';
import { contentAad, encryptInfo } from '@pawl/core/cose';
import { type AgreementPublicKey, createAeadEncryptor, type Signer } from '@pawl/core/crypto';
import { encodeEnvelope, newStatement, signStatement } from '@pawl/core/evidence';
import { buildTwoSlotManifest, signEnvelope } from '@pawl/core/suit';
import { CliError } from '../frame/errors.ts';
import { assertAbsent, writeOutput } from './files.ts';
import type { ReleaseAdvice } from './release-advice.ts';
import {
  ENVELOPE_FILE,
  type FileFacts,
  measureFile,
  type ReleaseArtifact,
  type ReleaseDescription,
  STATEMENT_FILE,
  saveReleaseDescription,
} from './release-folder.ts';
import type { LineConfig } from './workspace.ts';

const A256GCM = 3;
const CONTENT_KEY_BYTES = 32;
const IV_BYTES = 12;
const ECDH_ES_A256KW = -31;

export type SealRequest = {
  readonly imagePath: string;
  readonly outDir: string;
  readonly line: string;
  readonly lineConfig: LineConfig;
  readonly version: string;
  readonly sequenceNumber: bigint;
  readonly securityCounter: bigint;
  /** File name of the encrypted payload. */
  readonly payloadName: string;
  readonly imageSigners: readonly Signer[];
  readonly lineKey: AgreementPublicKey;
  readonly now: Date;
  /** Why it is there: signed with it. */
  readonly advice?: ReleaseAdvice;
  readonly onProgress: (doneBytes: number) => void;
};

type Secrets = { readonly contentKey: Uint8Array; readonly iv: Uint8Array };
type Encrypted = { readonly image: FileFacts; readonly payload: FileFacts };

async function encryptFile(
  from: string,
  to: string,
  { contentKey, iv }: Secrets,
  onProgress: (doneBytes: number) => void,
): Promise<Encrypted> {
  const encryptor = createAeadEncryptor({ algorithm: A256GCM, key: contentKey, iv, aad: contentAad(A256GCM) });
  const imageHash = createHash('sha256');
  const payloadHash = createHash('sha256');
  let imageBytes = 0;
  let payloadBytes = 0;
  const out = (bytes: Uint8Array): Uint8Array => {
    payloadHash.update(bytes);
    payloadBytes += bytes.length;
    return bytes;
  };
  await pipeline(
    createReadStream(from, { highWaterMark: 1024 * 1024 }),
    async function* (source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        imageHash.update(chunk);
        imageBytes += chunk.length;
        yield out(encryptor.update(chunk));
        onProgress(imageBytes);
      }
      yield out(encryptor.final());
    },
    createWriteStream(to, { flags: 'wx', flush: true }),
  );
  return {
    image: { sizeBytes: imageBytes, sha256: imageHash.digest('hex') },
    payload: { sizeBytes: payloadBytes, sha256: payloadHash.digest('hex') },
  };
}

async function releaseStatement(
  request: SealRequest,
  artifacts: readonly ReleaseArtifact[],
  signer: Signer,
): Promise<Uint8Array> {
  const statement = newStatement({
    predicateType: 'urn:pawl:release:1',
    subject: artifacts.map(({ name, sha256 }) => ({ name, digest: { sha256 } })),
    predicate: {
      event: 'sealed',
      line: request.line,
      version: request.version,
      sequenceNumber: request.sequenceNumber.toString(),
      securityCounter: request.securityCounter.toString(),
      sealedAt: request.now.toISOString(),
      ...request.advice,
    },
  });
  return encodeEnvelope(await signStatement(statement, signer));
}

async function sealInto(dir: string, request: SealRequest, signer: Signer): Promise<ReleaseDescription> {
  const secrets = {
    contentKey: new Uint8Array(randomBytes(CONTENT_KEY_BYTES)),
    iv: new Uint8Array(randomBytes(IV_BYTES)),
  };
  const { image, payload } = await encryptFile(
    request.imagePath,
    join(dir, request.payloadName),
    secrets,
    request.onProgress,
  );
  const { vendorDomain, classInfo } = request.lineConfig;
  const { version, sequenceNumber, securityCounter, payloadName } = request;
  const manifest = buildTwoSlotManifest({
    vendorDomain,
    classInfo,
    sequenceNumber,
    securityCounter,
    version,
    imageDigest: fromHex(image.sha256),
    imageSizeBytes: image.sizeBytes,
    payloadName,
    encryptionInfo: encryptInfo({
      algorithm: A256GCM,
      ...secrets,
      recipients: [{ kind: 'ecdh-es', publicKey: request.lineKey, keyWrap: ECDH_ES_A256KW }],
    }),
  });
  await writeOutput(join(dir, ENVELOPE_FILE), await signEnvelope(manifest, request.imageSigners));
  const artifacts: ReleaseArtifact[] = [
    { name: ENVELOPE_FILE, role: 'envelope', ...(await measureFile(join(dir, ENVELOPE_FILE))) },
    { name: payloadName, role: 'payload', ...payload },
  ];
  await writeOutput(join(dir, STATEMENT_FILE), await releaseStatement(request, artifacts, signer));
  const release: ReleaseDescription = {
    line: request.line,
    version,
    sequenceNumber,
    securityCounter,
    kind: 'pawl',
    artifacts,
    sealedAt: request.now.toISOString(),
    statement: STATEMENT_FILE,
    ...request.advice,
  };
  await saveReleaseDescription(dir, release);
  return release;
}

/** @throws CliError CLI_FILE_EXISTS, CLI_FILE_UNREADABLE, CLI_KEY_MISSING */
export async function sealImage(request: SealRequest): Promise<ReleaseDescription> {
  const [signer] = request.imageSigners;
  if (signer === undefined) throw new CliError('CLI_KEY_MISSING', { expected: 'an image key' });
  await assertAbsent(request.outDir);
  const unfinished = `${request.outDir}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  try {
    const release = await sealInto(unfinished, request, signer);
    await mkdir(dirname(request.outDir), { recursive: true });
    await rename(unfinished, request.outDir);
    return release;
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}
