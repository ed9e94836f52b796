/**
 * The keys of a device: its own signature key (ESP256), made on the device and never leaving it, and the key of its product
 * line, put there in production. Both in files that only the owner reads; hardware keys come behind the same `Signer`.
 */
import { createPrivateKey } from 'node:crypto';
import { fromBase64, fromUtf8, isCodedError, toBase64, utf8 } from '@pawl/core/bytes';
import { AgreementKey, PrivateKey } from '@pawl/core/crypto';
import { type Disk, saveFile } from './disk.ts';
import { AgentError } from './errors.ts';

type KeyUse = 'device' | 'line';

async function saveKey(disk: Disk, path: string, use: KeyUse, pkcs8: Uint8Array): Promise<void> {
  await saveFile(disk, path, utf8(`${JSON.stringify({ pawlAgentKey: 1, use, pkcs8: toBase64(pkcs8) })}\n`));
}

async function loadKey<Key>(disk: Disk, path: string, use: KeyUse, open: (pkcs8: Uint8Array) => Key): Promise<Key> {
  const bytes = await disk.read(path);
  if (bytes === undefined) throw new AgentError('AGENT_IDENTITY_INVALID', { path, expected: 'a file' });
  try {
    const value = JSON.parse(fromUtf8(bytes)) as Record<string, unknown> | null;
    if (value?.['pawlAgentKey'] !== 1 || value['use'] !== use || typeof value['pkcs8'] !== 'string') {
      throw new AgentError('AGENT_IDENTITY_INVALID', { path, expected: `a ${use} key` });
    }
    return open(fromBase64(value['pkcs8']));
  } catch (error) {
    if (error instanceof AgentError || (!isCodedError(error) && !(error instanceof SyntaxError))) throw error;
    // Without the cause: a JSON error quotes what stands in the file.
    throw new AgentError('AGENT_IDENTITY_INVALID', { path, expected: `a ${use} key` });
  }
}

export async function saveLineKey(disk: Disk, path: string, key: AgreementKey): Promise<void> {
  await saveKey(disk, path, 'line', key.toPkcs8Der());
}

/** @throws AgentError AGENT_IDENTITY_INVALID */
export async function loadLineKey(disk: Disk, path: string): Promise<AgreementKey> {
  return loadKey(disk, path, 'line', (pkcs8) => AgreementKey.fromPkcs8(pkcs8));
}

/** @throws AgentError AGENT_IDENTITY_INVALID */
export async function loadDeviceKey(disk: Disk, path: string): Promise<PrivateKey> {
  return loadKey(disk, path, 'device', (pkcs8) => PrivateKey.fromPkcs8(pkcs8));
}

/** The device's key, made when there is none: an enrolment that was cut goes on with the same key. */
export async function loadOrMakeDeviceKey(disk: Disk, path: string): Promise<PrivateKey> {
  if ((await disk.read(path)) !== undefined) return loadDeviceKey(disk, path);
  const key = PrivateKey.generate('ESP256');
  await saveKey(disk, path, 'device', key.toPkcs8Der());
  return key;
}

/** Takes the key of a certificate as the device's own, at production; never in place of another one. */
export async function adoptDeviceKey(disk: Disk, path: string, pkcs8Pem: Uint8Array, pemPath: string): Promise<void> {
  let key: PrivateKey;
  try {
    const der = createPrivateKey(Buffer.from(pkcs8Pem)).export({ type: 'pkcs8', format: 'der' });
    key = PrivateKey.fromPkcs8(new Uint8Array(der));
  } catch {
    // Without the cause: it may tell of the key.
    throw new AgentError('AGENT_IDENTITY_INVALID', { path: pemPath, expected: 'a private key in PEM' });
  }
  if ((await disk.read(path)) === undefined) return await saveKey(disk, path, 'device', key.toPkcs8Der());
  const own = await loadDeviceKey(disk, path);
  if (own.publicKey.toSpkiPem() !== key.publicKey.toSpkiPem()) {
    throw new AgentError('AGENT_IDENTITY_INVALID', { path: pemPath, expected: 'the key that the device has' });
  }
}
