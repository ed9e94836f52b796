/** `pawl verify`: says "authentic" only under a key or root that was given on the command line. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BundleReport, verifyBundle } from '@pawl/core/evidence';
import type { ImageTrust } from '@pawl/core/image';
import { defineCommand, type Io, type Outcome } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { inFolder, isPresent, readInput, readStart } from '../workspace/files.ts';
import { DECRYPT_KEY_OPTION, factLines, IMAGE_SIZE_BYTES_MAX, readImageTrust } from '../workspace/image-file.ts';
import { readLedgerKey } from '../workspace/ledger-key.ts';
import {
  type EnvelopeFacts,
  readImageKeys,
  verifyEnvelopeFile,
  verifyReleaseFolder,
} from '../workspace/verify-release.ts';
import { verifyRepository } from '../workspace/verify-repository.ts';

/** How a file says what it is; the name does not count. Anything else is an image, if only `raw`. */
const MAGICS: readonly (readonly [kind: 'envelope' | 'bundle', magic: readonly number[]])[] = [
  ['envelope', [0xd8, 0x6b]],
  ['bundle', [0x50, 0x4b, 0x03, 0x04]],
];

type Given = {
  readonly keys: readonly string[];
  readonly decryptKeys: readonly string[];
  readonly root: string | undefined;
};

type Kind = 'release' | 'repository' | 'envelope' | 'bundle' | 'image';

async function kindOfFile(path: string): Promise<Kind> {
  const start = await readStart(path, 16);
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
  throw new CliError('CLI_FORMAT_UNKNOWN', { path });
}

function envelopeOutcome(kind: string, facts: EnvelopeFacts): Outcome {
  return {
    json: { kind, isAuthentic: true, ...facts },
    text: [
      `authentic ${kind}: version ${facts.version}, sequence ${facts.sequenceNumber}, security counter ${facts.securityCounter}`,
      `image sha256 ${facts.imageSha256}, ${facts.imageSizeBytes} bytes`,
    ],
  };
}

async function readVkey(io: Io, given: readonly string[]): Promise<string> {
  const [only] = given;
  if (only === undefined || given.length > 1) throw new CliError('CLI_USAGE', { expected: 'one --key' });
  return readLedgerKey(io, only);
}

function bundleOutcome(report: BundleReport): Outcome {
  const { origin, checkpoint, isComplete, entries, counts } = report;
  return {
    json: { kind: 'bundle', isAuthentic: true, origin, checkpoint, isComplete, counts, entries },
    text: [
      `authentic bundle of ${origin}: ${entries.length} entries, ${isComplete ? 'complete' : 'a part'} of ${checkpoint.size}`,
      `root ${checkpoint.root}`,
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

async function verifyPath(io: Io, path: string, { keys, decryptKeys, root }: Given): Promise<Outcome> {
  const files = keys.map((key) => inFolder(io.cwd, key));
  const kind = await kindOf(path);
  switch (kind) {
    case 'release':
      return envelopeOutcome(kind, await verifyReleaseFolder(path, await readImageKeys(files)));
    case 'envelope':
      return envelopeOutcome(kind, await verifyEnvelopeFile(path, await readImageKeys(files)));
    case 'repository': {
      if (root === undefined) throw new CliError('CLI_USAGE', { missing: '--root' });
      const facts = await verifyRepository(path, inFolder(io.cwd, root), io.now());
      return {
        json: { kind, isAuthentic: true, ...facts },
        text: [`authentic repository: root ${facts.rootVersion}, roles ${facts.roles.join(', ')}`],
      };
    }
    case 'image':
      return imageOutcome(path, await readImageTrust(io, keys, decryptKeys));
    case 'bundle':
      return bundleOutcome(verifyBundle(await readInput(path), { vkey: await readVkey(io, keys) }));
  }
}

export const verify = defineCommand({
  summary: 'verify a release, an envelope, a TUF repository, a firmware image or a ledger bundle, offline',
  about: [
    'Nothing that lies beside the file is trusted. --key is, by kind: a public key as PEM or a list keys/LINE.cbor (release',
    'folder, SUIT envelope); a public key or certificate as PEM (firmware image, by its format); the verification key of',
    'the ledger, as text or in a file (bundle). What a file is, its content says, not its name.',
    '--root is the root to start from (folder of TUF metadata).',
  ],
  positionals: [{ name: 'PATH', summary: 'what to verify' }],
  options: {
    key: { type: 'string', value: 'KEY', summary: 'the key that must have signed', multiple: true },
    'decrypt-key': DECRYPT_KEY_OPTION,
    root: { type: 'string', value: 'FILE', summary: 'root.json to start from' },
  },
  example: 'pawl verify bundle.zip --key ledger.vkey',
  run: ({ values, positionals: [path = ''], io }) =>
    verifyPath(io, inFolder(io.cwd, path), { keys: values.key, decryptKeys: values['decrypt-key'], root: values.root }),
});
