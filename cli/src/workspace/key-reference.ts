/** Public keys as people name them: a key of this workspace, or a PEM file that somebody gave. */
import { PublicKey, SIGNATURE_ALGORITHM_NAMES, type SignatureAlgorithm } from '@pawl/core/crypto';
import { tufKeyOf } from '@pawl/core/trust';
import type { Io } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { inFolder, isPresent, readText } from './files.ts';
import { listNamedKeys } from './keyring.ts';
import type { Workspace } from './workspace.ts';

const KEY_ID = /^[0-9a-f]{64}$/;

/** @throws CliError CLI_KEY_MISSING, CLI_USAGE; CryptoError CRYPTO_KEY_MALFORMED */
export async function loadPublicKey(io: Io, workspace: Workspace, text: string): Promise<PublicKey> {
  const named = (await listNamedKeys(workspace)).find(({ name }) => name === text);
  if (named !== undefined) return PublicKey.fromSpki(named.file.public);
  const path = inFolder(io.cwd, text);
  if (!(await isPresent(path))) throw new CliError('CLI_KEY_MISSING', { key: text, expected: 'a key or a PEM file' });
  return PublicKey.fromSpki((await readText(path)).trim());
}

/** The key id in TUF metadata; it can be given as such, as "pawl trust show" prints it. */
export async function loadKeyId(io: Io, workspace: Workspace, text: string): Promise<string> {
  return KEY_ID.test(text) ? text : tufKeyOf(await loadPublicKey(io, workspace, text)).keyId;
}

/** @throws CliError CLI_USAGE */
export function parseSignatureAlgorithm(text: string): SignatureAlgorithm {
  const name = SIGNATURE_ALGORITHM_NAMES.find((candidate) => candidate === text);
  if (name === undefined)
    throw new CliError('CLI_USAGE', { algorithm: text, expected: SIGNATURE_ALGORITHM_NAMES.join(', ') });
  return name;
}
