/**
 * Keys in tokens (PKCS#11) through OpenSC's `pkcs11-tool`, so that no native library is loaded into this process. The PIN
 * goes over the environment of the tool (`--pin env:NAME`), never over its command line, which every user can read; it is
 * tried once, because a token locks after few wrong ones.
 */
import { hash as nodeHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fromHex } from '../bytes/index.ts';
import { CryptoError, PublicKey, SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from '../crypto/index.ts';
import { KeysError, type KeysErrorCode } from './errors.ts';
import type { PinSource, Pkcs11Address } from './key-reference.ts';
import { type Environment, reasonOf, runTool, type SigningRequest } from './run-tool.ts';

const TOOL = 'pkcs11-tool';
const PIN_VARIABLE = 'PAWL_PKCS11_PIN';
const PIN_CHARS_MAX = 256;
/** pkcs11-tool reads this much at once; more goes to the token in pieces, which EdDSA does not have (PKCS#11 §6.3.15). */
const ONE_PIECE_SIZE_BYTES_MAX = 1024;

type Mechanism = {
  /** The mechanism that signs a digest of ours; undefined for algorithms that take the message. */
  readonly ofDigest?: readonly string[];
  /** The mechanism that takes the message. */
  readonly ofMessage: readonly string[];
};

const pss = (digest: '256' | '384' | '512', saltSizeBytes: number): Mechanism => {
  const salt = `--salt-len=${saltSizeBytes}`;
  return {
    ofDigest: ['--mechanism=RSA-PKCS-PSS', `--hash-algorithm=SHA${digest}`, `--mgf=MGF1-SHA${digest}`, salt],
    ofMessage: [`--mechanism=SHA${digest}-RSA-PKCS-PSS`, `--mgf=MGF1-SHA${digest}`, salt],
  };
};
const ecdsa = (digest: '256' | '384' | '512'): Mechanism => ({
  ofDigest: ['--mechanism=ECDSA', '--signature-format=rs'],
  ofMessage: [`--mechanism=ECDSA-SHA${digest}`, '--signature-format=rs'],
});

const MECHANISMS: Readonly<Partial<Record<SignatureAlgorithm, Mechanism>>> = {
  ESP256: ecdsa('256'),
  ESP384: ecdsa('384'),
  ESP512: ecdsa('512'),
  Ed25519: { ofMessage: ['--mechanism=EDDSA'] },
  PS256: pss('256', 32),
  PS384: pss('384', 48),
  PS512: pss('512', 64),
};

/** What the tool says when something is wrong, and what that is. The first match counts. */
const SAYINGS: readonly (readonly [saying: RegExp, code: KeysErrorCode])[] = [
  [/CKR_PIN_LOCKED/, 'KEYS_PIN_LOCKED'],
  [/CKR_PIN_INCORRECT|CKR_PIN_LEN_RANGE|CKR_PIN_INVALID/, 'KEYS_PIN_WRONG'],
  [/No slot with token named|CKR_TOKEN_NOT_PRESENT|CKR_DEVICE_REMOVED|No slots/, 'KEYS_TOKEN_MISSING'],
  [/Failed to load pkcs11 module/, 'KEYS_MODULE_UNUSABLE'],
  [/key not found|object not found/i, 'KEYS_TOKEN_KEY_MISSING'],
  [/CKR_MECHANISM_INVALID|CKR_KEY_TYPE_INCONSISTENT|CKR_KEY_FUNCTION_NOT_PERMITTED/, 'KEYS_MECHANISM_UNSUPPORTED'],
];

async function readPin(source: PinSource, env: Environment): Promise<string> {
  let text: string | undefined;
  try {
    text = 'env' in source ? env[source.env] : (await readFile(source.file, 'utf8')).split(/[\r\n]/, 1)[0];
  } catch (cause) {
    throw new KeysError('KEYS_PIN_MISSING', 'file' in source ? { file: source.file } : {}, cause);
  }
  const pin = text ?? '';
  if (pin === '' || pin.length > PIN_CHARS_MAX || pin.includes('\0')) throw new KeysError('KEYS_PIN_MISSING', source);
  return pin;
}

/** A token, and how to log in to it. */
export type TokenPlace = Omit<Pkcs11Address, 'keyId'>;

async function runOnToken(
  address: TokenPlace,
  { env, input, args }: { readonly env: Environment; readonly input: Uint8Array; readonly args: readonly string[] },
): Promise<Uint8Array> {
  const place = [`--module=${address.module}`, `--token-label=${address.token}`];
  const pin = await readPin(address.pin, env);
  const { status, stdout, stderr } = await runTool({
    command: [TOOL, ...place, '--login', `--pin=env:${PIN_VARIABLE}`, ...args],
    env: { ...env, [PIN_VARIABLE]: pin },
    input,
    timeoutMs: address.timeoutMs,
  });
  if (status === 0) return stdout;
  const code = SAYINGS.find(([saying]) => saying.test(stderr))?.[1] ?? 'KEYS_TOOL_FAILED';
  throw new KeysError(code, { token: address.token, status, said: reasonOf(stderr.replaceAll(pin, '***')) });
}

/** Signs on the token; the caller verifies what comes back. */
export async function askPkcs11(address: Pkcs11Address, request: SigningRequest): Promise<Uint8Array> {
  const { publicKey, message, env } = request;
  const mechanism = MECHANISMS[publicKey.algorithm];
  if (mechanism === undefined) {
    throw new KeysError('KEYS_MECHANISM_UNSUPPORTED', { algorithm: publicKey.algorithm });
  }
  const { hash } = SIGNATURE_ALGORITHMS[publicKey.algorithm];
  if (hash === null && message.length > ONE_PIECE_SIZE_BYTES_MAX) {
    throw new KeysError('KEYS_MESSAGE_TOO_LONG', { sizeBytesMax: ONE_PIECE_SIZE_BYTES_MAX, actual: message.length });
  }
  const isDigest = hash !== null && mechanism.ofDigest !== undefined && address.hashing === 'host';
  const input = isDigest ? new Uint8Array(nodeHash(hash, message, 'buffer')) : message;
  const args = (isDigest ? mechanism.ofDigest : undefined) ?? mechanism.ofMessage;
  return runOnToken(address, { env, input, args: ['--sign', `--id=${address.keyId}`, ...args] });
}

const CURVES: Readonly<Record<string, SignatureAlgorithm>> = {
  '06082a8648ce3d030107': 'ESP256',
  '06052b81040022': 'ESP384',
  '06052b81040023': 'ESP512',
};
/** An uncompressed point in its OCTET STRING (PKCS#11 §6.3.3), short or long form of the length. */
const EC_POINT = /^04(?:[0-7][0-9a-f]|81[89a-f][0-9a-f])(04[0-9a-f]+)$/;

/** The public keys that pkcs11-tool lists, as the fields that it prints. */
async function listPublicKeys(place: TokenPlace, env: Environment): Promise<ReadonlyMap<string, string>[]> {
  const args = ['--list-objects', '--type=pubkey'];
  const listing = await runOnToken(place, { env, input: new Uint8Array(), args });
  const blocks = new TextDecoder().decode(listing).split(/^Public Key Object; /m);
  return blocks.map((block) => {
    const lines = Array.from(block.matchAll(/^ {2}(\w+): +(.*)$/gm));
    return new Map(lines.map(([, field = '', text = '']) => [field, text]));
  });
}

/** The public key as it is listed: OpenSC 0.23 lists keys on P-384, but fails to export them. */
async function readListedKey(address: Pkcs11Address, env: Environment): Promise<PublicKey | undefined> {
  const fields = (await listPublicKeys(address, env)).filter((item) => item.get('ID') === address.keyId);
  const [only] = fields;
  const algorithm = CURVES[only?.get('EC_PARAMS') ?? ''];
  const point = EC_POINT.exec(only?.get('EC_POINT') ?? '')?.[1];
  if (fields.length !== 1 || algorithm === undefined || point === undefined) return undefined;
  return PublicKey.fromRaw(algorithm, fromHex(point));
}

/**
 * The CKA_ID of the one key with this label.
 * @throws KeysError KEYS_TOKEN_KEY_MISSING when there is none, or several, and what `readPkcs11PublicKey` throws
 */
export async function findPkcs11KeyId(place: TokenPlace, label: string, env: Environment): Promise<string> {
  const ids = (await listPublicKeys(place, env)).flatMap((item) =>
    item.get('label') === label ? [item.get('ID') ?? ''] : [],
  );
  const [only = ''] = ids;
  if (ids.length === 1 && /^(?:[0-9a-f]{2})+$/.test(only)) return only;
  throw new KeysError('KEYS_TOKEN_KEY_MISSING', { label, found: ids.length });
}

function parseTokenKey(bytes: Uint8Array, algorithm: SignatureAlgorithm | undefined): PublicKey {
  // pkcs11-tool writes DER, and PEM for Edwards curves (OpenSC 0.23).
  const isPem = bytes[0] === '-'.charCodeAt(0);
  return PublicKey.fromSpki(isPem ? new TextDecoder().decode(bytes) : bytes, algorithm);
}

/**
 * Reads the public key of a key on a token, logged in, so that a wrong PIN shows at once.
 * @throws KeysError KEYS_PIN_MISSING, KEYS_PIN_WRONG, KEYS_PIN_LOCKED, KEYS_TOKEN_MISSING, KEYS_TOKEN_KEY_MISSING, KEYS_MODULE_UNUSABLE, KEYS_TOOL_MISSING, KEYS_TOOL_TIMEOUT, KEYS_TOOL_FAILED, KEYS_MECHANISM_UNSUPPORTED
 */
export async function readPkcs11PublicKey(
  address: Pkcs11Address,
  { env, algorithm }: { readonly env: Environment; readonly algorithm?: SignatureAlgorithm | undefined },
): Promise<PublicKey> {
  const args = ['--read-object', '--type=pubkey', `--id=${address.keyId}`];
  try {
    return parseTokenKey(await runOnToken(address, { env, input: new Uint8Array(), args }), algorithm);
  } catch (error) {
    const isExport = error instanceof KeysError && error.code === 'KEYS_TOOL_FAILED';
    if (!isExport && !(error instanceof CryptoError)) throw error;
    const listed = await readListedKey(address, env);
    if (listed !== undefined) return listed;
    throw isExport ? error : new KeysError('KEYS_MECHANISM_UNSUPPORTED', { what: 'the public key' }, error);
  }
}
