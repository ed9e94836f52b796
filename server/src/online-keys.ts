/**
 * The server's own keys: ledger, snapshot, timestamp. Made at the first run, sealed with a random secret that is kept beside
 * them (mode 0600). None of them can make a device install anything. The database knows their ids: all processes of one
 * installation sign with the same keys, or do not start.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { toHex } from '@pawl/core/bytes';
import { PrivateKey, sha256 } from '@pawl/core/crypto';
import { createFileKey, loadKeyFile, newRandomSecret, openKeyFile, saveKeyFile } from '@pawl/core/keys';
import { ServerError } from './acts/errors.ts';
import type { OnlineKeys } from './acts/ports.ts';
import { Sealer } from './acts/sealer.ts';
import { sealPlainSecrets } from './acts/webhooks/secret.ts';
import type { Database } from './store/database.ts';
import { readOnlineKeyIds, saveOnlineKeyId } from './store/online-keys.ts';

const ROLES = ['ledger', 'snapshot', 'timestamp'] as const;
type OnlineRole = (typeof ROLES)[number];

const PURPOSES: Readonly<Record<OnlineRole, string>> = {
  ledger: 'signs checkpoints and statements of this server',
  snapshot: 'signs which metadata belongs together',
  timestamp: 'signs that the metadata is fresh',
};

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The secret of the folder. It is on the disk before a key is sealed with it: a power cut in between must not lock the keys for good. */
async function loadSecret(folder: string): Promise<string> {
  const path = `${folder}/secret`;
  if (!existsSync(path)) {
    await writeFile(`${path}.new`, newRandomSecret(), { mode: 0o600, flush: true });
    await rename(`${path}.new`, path);
    await sync(folder);
  }
  return (await readFile(path, 'utf8')).trim();
}

/** The key as it was made: opening the file again would derive the sealing key a second time. */
async function create(
  path: string,
  options: Parameters<typeof createFileKey>[0],
): Promise<Awaited<ReturnType<typeof createFileKey>>['key']> {
  const { file, key } = await createFileKey(options);
  await saveKeyFile(path, file);
  return key;
}

async function loadOrCreate(
  folder: string,
  role: OnlineRole,
  passphrase: string,
  createdAt: Date,
): Promise<PrivateKey> {
  const path = `${folder}/${role}.json`;
  const key = existsSync(path)
    ? await openKeyFile(await loadKeyFile(path), passphrase)
    : await create(path, { role, algorithm: 'Ed25519', purpose: PURPOSES[role], createdAt, passphrase });
  if (!(key instanceof PrivateKey))
    throw new ServerError('SERVER_CONFIG_INVALID', { at: path, expected: 'a signing key' });
  return key;
}

/** Opens the keys of a data folder, and makes those that are missing, unless they must be there. */
export async function loadOnlineKeys(
  dataDir: string,
  createdAt: Date,
  mustExist: (role: OnlineRole) => boolean = () => false,
): Promise<OnlineKeys> {
  const folder = `${dataDir}/keys`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const missing = ROLES.find((role) => mustExist(role) && !existsSync(`${folder}/${role}.json`));
  if (missing !== undefined) throw new ServerError('SERVER_KEYS_DIFFER', { role: missing, path: folder });
  const secret = await loadSecret(folder);
  const [ledger, snapshot, timestamp] = await Promise.all(
    ROLES.map((role) => loadOrCreate(folder, role, secret, createdAt)),
  );
  if (ledger === undefined || snapshot === undefined || timestamp === undefined)
    throw new TypeError('three roles, three keys');
  return { ledger, snapshot, timestamp };
}

/**
 * The keys of a data folder, as the database knows them. Where this is the only process, snapshot and timestamp keys that
 * were moved away are made anew (the next root names them); the ledger key never is, for it names the ledger.
 * @throws ServerError SERVER_KEYS_DIFFER, SERVER_CONFIG_INVALID; KeysError
 */
export function openOnlineKeys(database: Database, dataDir: string, createdAt: Date): Promise<OnlineKeys> {
  const isFixed = (role: OnlineRole): boolean => database.isShared || role === 'ledger';
  return database.writeInTurn('keys', async (trx) => {
    const known = await readOnlineKeyIds(trx);
    const keys = await loadOnlineKeys(dataDir, createdAt, (role) => known.has(role) && isFixed(role));
    for (const role of ROLES) {
      const id = toHex(sha256(keys[role].publicKey.toSpkiDer()));
      if (known.get(role) === id) continue;
      if (known.has(role) && isFixed(role)) throw new ServerError('SERVER_KEYS_DIFFER', { role, path: dataDir });
      await saveOnlineKeyId(trx, role, id);
    }
    return keys;
  });
}

/**
 * What seals the secrets in the database, from the secret of the data folder; and seals those that an earlier version left as
 * they were. A process whose folder has another secret could not read them, and does not start.
 * @throws ServerError SERVER_KEYS_DIFFER
 */
export async function openSealer(database: Database, dataDir: string): Promise<Sealer> {
  const sealer = new Sealer(await loadSecret(`${dataDir}/keys`), () => new Uint8Array(randomBytes(32)));
  const { keyId } = sealer;
  return await database.writeInTurn('keys', async (trx) => {
    const known = (await readOnlineKeyIds(trx)).get('sealing');
    if (known === undefined) await saveOnlineKeyId(trx, 'sealing', keyId);
    else if (known !== keyId) throw new ServerError('SERVER_KEYS_DIFFER', { role: 'sealing', path: dataDir });
    await sealPlainSecrets(trx, { sealer });
    return sealer;
  });
}
