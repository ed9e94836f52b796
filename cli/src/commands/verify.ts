/** `pawl verify`: says "authentic" only under a key or root that was given on the command line. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { utf8 } from '@pawl/core/bytes';
import { type BundleReport, verifyBundle, verifyTlogProof, type WitnessPolicy } from '@pawl/core/evidence';
import type { ImageTrust } from '@pawl/core/image';
import { defineCommand, type Io, type Outcome } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { FROZEN_FILE, verifyDocuments } from '../workspace/document-folder.ts';
import { inFolder, isPresent, readInput, readStart } from '../workspace/files.ts';
import { DECRYPT_KEY_OPTION, factLines, IMAGE_SIZE_BYTES_MAX, readImageTrust } from '../workspace/image-file.ts';
import { readLedgerKey } from '../workspace/ledger-key.ts';
import { withTestKeyWarnings } from '../workspace/test-key-warnings.ts';
import {
  type EnvelopeFacts,
  type ReleaseFacts,
  readImageKeys,
  verifyEnvelopeFile,
  verifyReleaseFolder,
} from '../workspace/verify-release.ts';
import { verifyRepository } from '../workspace/verify-repository.ts';
import { cosignatureLines, readWitnessPolicy, WITNESS_OPTIONS } from '../workspace/witness-policy.ts';

/** How a file says what it is; the name does not count. Anything else is an image, if only `raw`. */
const MAGICS: readonly (readonly [kind: Kind, magic: Uint8Array])[] = [
  ['envelope', Uint8Array.of(0xd8, 0x6b)],
  ['bundle', Uint8Array.of(0x50, 0x4b, 0x03, 0x04)],
  ['tlog-proof', utf8('c2sp.org/tlog-proof@')],
];
const MAGIC_SIZE_BYTES = 32;

type Given = {
  readonly keys: readonly string[];
  readonly decryptKeys: readonly string[];
  readonly root: string | undefined;
  readonly entry: string | undefined;
  readonly witnesses: WitnessPolicy | undefined;
};

type Kind = 'documents' | 'release' | 'repository' | 'envelope' | 'bundle' | 'tlog-proof' | 'image';

async function kindOfFile(path: string): Promise<Kind> {
  const start = await readStart(path, MAGIC_SIZE_BYTES);
  return MAGICS.find(([, magic]) => magic.every((byte, at) => start[at] === byte))?.[0] ?? 'image';
}

async function kindOf(path: string): Promise<Kind> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(path)).isDirectory();
  } catch (cause) {
    throw new CliError('CLI_FILE_UNREADABLE', { path }, cause);
  }
  if (!isFolder) return kindOfFile(path);
  if (await isPresent(join(path, 'release.json'))) return 'release';
  if (await isPresent(join(path, 'timestamp.json'))) return 'repository';
  if (await isPresent(join(path, FROZEN_FILE))) return 'documents';
  throw new CliError('CLI_FORMAT_UNKNOWN', { path });
}

function releaseLines({ version, securityCounter, imageSha256, imageSizeBytes }: ReleaseFacts): string[] {
  return [
    `version ${version}, security counter ${securityCounter}`,
    `image sha256 ${imageSha256}, ${imageSizeBytes} bytes`,
  ];
}

function envelopeOutcome(facts: EnvelopeFacts): Outcome {
  const { release, notReleaseCode, ...rest } = facts;
  const signers = facts.signers.map(({ keyId, algorithm }) => `signed by ${keyId} (${algorithm})`);
  return {
    json: { kind: 'envelope', isAuthentic: true, ...rest, ...(release ?? { notReleaseCode }) },
    text: [
      `authentic SUIT envelope: sequence ${facts.sequenceNumber}, manifest sha256 ${facts.manifestDigest}`,
      ...signers,
      ...(release === undefined
        ? [`not a release that Pawl's agent takes: ${notReleaseCode ?? 'unknown'}`]
        : releaseLines(release)),
    ],
  };
}

async function tlogProofOutcome(io: Io, path: string, { keys, entry, witnesses }: Given): Promise<Outcome> {
  if (entry === undefined) throw new CliError('CLI_USAGE', { missing: '--entry' });
  const vkey = await readVkey(io, keys);
  const facts = verifyTlogProof(await readInput(path), await readInput(inFolder(io.cwd, entry)), vkey, witnesses);
  return {
    json: { kind: 'tlog-proof', isAuthentic: true, ...facts },
    text: [
      `authentic: entry ${facts.index} of ${facts.size} in the ledger ${facts.origin}`,
      ...cosignatureLines(facts.cosignatures),
    ],
  };
}

async function readVkey(io: Io, given: readonly string[]): Promise<string> {
  const [only] = given;
  if (only === undefined || given.length > 1) throw new CliError('CLI_USAGE', { expected: 'one --key' });
  return readLedgerKey(io, only);
}

function bundleOutcome(report: BundleReport): Outcome {
  const { origin, checkpoint, isComplete, entries, counts, cosignatures } = report;
  return {
    json: { kind: 'bundle', isAuthentic: true, origin, checkpoint, isComplete, counts, cosignatures, entries },
    text: [
      `authentic bundle of ${origin}: ${entries.length} entries, ${isComplete ? 'complete' : 'a part'} of ${checkpoint.size}`,
      `root ${checkpoint.root}`,
      ...cosignatureLines(cosignatures),
      ...Object.entries(counts).map(([type, count]) => `  ${String(count).padStart(5)}  ${type}`),
    ],
  };
}

async function imageOutcome(path: string, trust: ImageTrust): Promise<Outcome> {
  // Loaded only here: it brings a certificate library along.
  const { IMAGE_FORMATS, verifyImage } = await import('@pawl/core/image');
  const { format, ...facts } = await verifyImage(await readInput(path, IMAGE_SIZE_BYTES_MAX), trust);
  return {
    json: { kind: 'image', isAuthentic: true, format, ...facts },
    text: [`authentic ${IMAGE_FORMATS[format].summary}`, ...factLines(facts)],
  };
}

async function releaseOutcome(path: string, files: readonly string[]): Promise<Outcome> {
  const facts = await verifyReleaseFolder(path, await readImageKeys(files));
  return {
    json: { kind: 'release', isAuthentic: true, ...facts },
    text: [`authentic release: sequence ${facts.sequenceNumber}`, ...releaseLines(facts)],
  };
}

async function documentsOutcome(path: string, files: readonly string[]): Promise<Outcome> {
  const facts = await verifyDocuments(path, (await readImageKeys(files)).keys);
  return {
    json: { kind: 'documents', isAuthentic: true, ...facts },
    text: [
      `authentic documents: ${facts.product} ${facts.release} as of ${facts.on}, ${facts.files} files`,
      `signed by ${facts.keyId}`,
    ],
  };
}

async function repositoryOutcome(io: Io, path: string, root: string | undefined): Promise<Outcome> {
  if (root === undefined) throw new CliError('CLI_USAGE', { missing: '--root' });
  const facts = await verifyRepository(path, inFolder(io.cwd, root), io.now());
  return {
    json: { kind: 'repository', isAuthentic: true, ...facts },
    text: [`authentic repository: root ${facts.rootVersion}, roles ${facts.roles.join(', ')}`],
  };
}

async function verifyPath(io: Io, path: string, given: Given): Promise<Outcome> {
  const { keys, decryptKeys, root, witnesses } = given;
  const files = keys.map((key) => inFolder(io.cwd, key));
  const kind = await kindOf(path);
  // A demand that a file of this kind cannot meet is not passed over.
  if (witnesses !== undefined && kind !== 'bundle' && kind !== 'tlog-proof')
    throw new CliError('CLI_USAGE', { at: '--witness', expected: 'a bundle or a .tlog-proof', actual: kind });
  switch (kind) {
    case 'release':
      return releaseOutcome(path, files);
    case 'envelope':
      return envelopeOutcome(await verifyEnvelopeFile(path, await readImageKeys(files)));
    case 'documents':
      return documentsOutcome(path, files);
    case 'repository':
      return repositoryOutcome(io, path, root);
    case 'image':
      return imageOutcome(path, await readImageTrust(io, keys, decryptKeys));
    case 'bundle':
      return bundleOutcome(
        verifyBundle(await readInput(path), {
          vkey: await readVkey(io, keys),
          ...(witnesses === undefined ? {} : { witnesses }),
        }),
      );
    case 'tlog-proof':
      return tlogProofOutcome(io, path, given);
  }
}

export const verify = defineCommand({
  summary:
    'verify a release, frozen documents, an envelope, a TUF repository, a firmware image, a ledger bundle or a proof, offline',
  about: [
    'Nothing that lies beside the file is trusted. --key is, by kind: a public key as PEM or COSE_Key, or a list',
    'keys/LINE.cbor (release folder, frozen documents, SUIT envelope: every algorithm given must have signed); a public key or certificate as',
    'PEM (firmware image, by its format); the verification key of the ledger, as text or in a file (bundle, .tlog-proof).',
    '--witness is for what comes from a ledger: enough of those named must have cosigned it, or it does not verify.',
    'What a file is, its content says, not its name. --root is the root to start from (folder of TUF metadata).',
    'Under a published test key everything that verifies is shown with a warning: everybody can sign with it.',
    'The exit status is 0 only for what is authentic as a whole, 1 for what is not, 2 when it cannot be tried.',
  ],
  positionals: [{ name: 'PATH', summary: 'what to verify' }],
  options: {
    key: { type: 'string', value: 'KEY', summary: 'the key that must have signed', multiple: true },
    'decrypt-key': DECRYPT_KEY_OPTION,
    root: { type: 'string', value: 'FILE', summary: 'root.json to start from' },
    entry: { type: 'string', value: 'FILE', summary: 'the ledger entry that a .tlog-proof is about' },
    ...WITNESS_OPTIONS,
  },
  example: 'pawl verify bundle.zip --key ledger.vkey',
  async run({ values, positionals: [path = ''], io }) {
    const { key: keys, root, entry } = values;
    const decryptKeys = values['decrypt-key'];
    const witnesses = await readWitnessPolicy(io, values);
    const outcome = await verifyPath(io, inFolder(io.cwd, path), { keys, decryptKeys, root, entry, witnesses });
    const trusted = root === undefined ? keys : [...keys, root];
    return withTestKeyWarnings(
      io,
      outcome,
      trusted.map((file) => inFolder(io.cwd, file)),
    );
  },
});
