/** `pawl verify`: says "authentic" only under a key or root that was given on the command line. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BundleReport, verifyBundle } from '@pawl/core/evidence';
import { defineCommand, type Io, type Outcome } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { inFolder, isPresent, readInput, readText } from '../workspace/files.ts';
import { readLedgerKey } from '../workspace/ledger-key.ts';
import {
  type EnvelopeFacts,
  readImageKeys,
  verifyEnvelopeFile,
  verifyReleaseFolder,
} from '../workspace/verify-release.ts';
import { verifyRepository } from '../workspace/verify-repository.ts';

const SWU_BYTES_MAX = 512 * 1024 * 1024;

type Given = { readonly keys: readonly string[]; readonly root: string | undefined };

async function kindOf(path: string): Promise<'release' | 'repository' | 'envelope' | 'swu' | 'bundle'> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(path)).isDirectory();
  } catch (cause) {
    throw new CliError('CLI_FILE_UNREADABLE', { path }, cause);
  }
  if (isFolder) {
    if (await isPresent(join(path, 'release.json'))) return 'release';
    if (await isPresent(join(path, 'timestamp.json'))) return 'repository';
  } else if (path.endsWith('.suit')) return 'envelope';
  else if (path.endsWith('.swu')) return 'swu';
  else if (path.endsWith('.zip')) return 'bundle';
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

async function verifyPath(io: Io, path: string, { keys, root }: Given): Promise<Outcome> {
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
    case 'swu': {
      if (files.length === 0) throw new CliError('CLI_USAGE', { missing: '--key' });
      const certificatesPem = await Promise.all(files.map(readText));
      // Loaded only here: it brings a certificate library along.
      const { verifySwu } = await import('@pawl/core/image');
      const facts = await verifySwu(await readInput(path, SWU_BYTES_MAX), { certificatesPem });
      return { json: { kind, isAuthentic: true, ...facts }, text: ['authentic .swu image'] };
    }
    case 'bundle':
      return bundleOutcome(verifyBundle(await readInput(path), { vkey: await readVkey(io, keys) }));
  }
}

export const verify = defineCommand({
  summary: 'verify a release, an envelope, a TUF repository, a .swu or a ledger bundle, offline',
  about: [
    'Nothing that lies beside the file is trusted. --key is, by kind: a public key as PEM or a list keys/LINE.cbor (release',
    'folder, .suit); a certificate as PEM (.swu); the verification key of the ledger, as text or in a file (bundle .zip).',
    '--root is the root to start from (folder of TUF metadata).',
  ],
  positionals: [{ name: 'PATH', summary: 'what to verify' }],
  options: {
    key: { type: 'string', value: 'KEY', summary: 'the key that must have signed', multiple: true },
    root: { type: 'string', value: 'FILE', summary: 'root.json to start from' },
  },
  example: 'pawl verify bundle.zip --key ledger.vkey',
  run: ({ values, positionals: [path = ''], io }) =>
    verifyPath(io, inFolder(io.cwd, path), { keys: values.key, root: values.root }),
});
