/**
 * Key references: a key whose private half is elsewhere, in a token (PKCS#11) or behind a command line (a KMS). JSON,
 * format 1 (docs/formats/keys.md). It says where the key is and how to ask, and never holds a secret: a PIN is named by
 * its file or its environment variable.
 */
import { utf8 } from '../bytes/index.ts';
import {
  expectInteger,
  expectMembers,
  expectObject,
  expectOneOf,
  expectWord,
  type Members,
  malformed,
  parseJson,
} from './json-members.ts';
import { FACT_MEMBERS, type KeyFacts, parseFacts } from './key-facts.ts';

const FORMAT_VERSION = 1;
const MEMBERS = ['pawlKeyReference', ...FACT_MEMBERS, 'signer'];
const PATH_CHARS_MAX = 4096;
const WORDS_MAX = 64;
const WORD_CHARS_MAX = 4096;
const TIMEOUT_MS = { min: 100, max: 600_000 } as const;
const ENVIRONMENT_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** Where the PIN is: the first line of a file, or an environment variable. */
export type PinSource = { readonly file: string } | { readonly env: string };

export type Pkcs11Address = {
  readonly kind: 'pkcs11';
  /** Absolute path of the PKCS#11 library. */
  readonly module: string;
  readonly token: string;
  /** The CKA_ID of the key in hex. Not its label: pkcs11-tool signs with any key when it is given one (OpenSC 0.23). */
  readonly keyId: string;
  readonly pin: PinSource;
  /** Who makes the digest: we do (every token can sign one), or the token (some refuse to sign what they did not hash). */
  readonly hashing: 'host' | 'token';
  readonly timeoutMs: number;
};

export type ExecAddress = {
  readonly kind: 'exec';
  /** The command and its arguments, never passed through a shell. */
  readonly command: readonly string[];
  /** What the command gets on its standard input. */
  readonly input: 'message' | 'digest';
  /** The signature as the command writes it: ECDSA as raw r || s or as DER. */
  readonly format: 'raw' | 'der';
  readonly encoding: 'binary' | 'base64';
  readonly timeoutMs: number;
};

export type SignerAddress = Pkcs11Address | ExecAddress;
export type KeyReference = KeyFacts & { readonly signer: SignerAddress };

/** The key reference as the text that is stored. */
export function encodeKeyReference(reference: KeyReference): Uint8Array {
  const members: Members = { ...reference, pawlKeyReference: FORMAT_VERSION };
  const json = Object.fromEntries(MEMBERS.map((name) => [name, members[name]]));
  return utf8(`${JSON.stringify(json, null, 2)}\n`);
}

function expectPath(members: Members, name: string): string {
  const path = expectWord(members, name, PATH_CHARS_MAX);
  // A relative path would mean another file in another folder.
  if (!path.startsWith('/')) throw malformed(name, 'an absolute path');
  return path;
}

function parsePin(value: unknown): PinSource {
  const members = expectObject(value, 'signer.pin');
  if (Object.hasOwn(members, 'file')) return { file: expectPath(expectMembers(value, ['file'], 'signer.pin'), 'file') };
  const env = expectWord(expectMembers(value, ['env'], 'signer.pin'), 'env', 128);
  if (!ENVIRONMENT_NAME.test(env)) throw malformed('signer.pin.env', 'the name of an environment variable');
  return { env };
}

function expectTokenKeyId(members: Members): string {
  const id = expectWord(members, 'keyId', 512);
  if (!/^(?:[0-9a-f]{2})+$/.test(id)) throw malformed('keyId', 'lower-case hex');
  return id;
}

function parsePkcs11(value: Members): Pkcs11Address {
  const names = ['kind', 'module', 'token', 'keyId', 'pin', 'hashing', 'timeoutMs'];
  const members = expectMembers(value, names, 'signer');
  return {
    kind: 'pkcs11',
    module: expectPath(members, 'module'),
    // PKCS#11 §3.2, CK_TOKEN_INFO: a label has 32 bytes.
    token: expectWord(members, 'token', 32),
    keyId: expectTokenKeyId(members),
    pin: parsePin(members['pin']),
    hashing: expectOneOf(members, 'hashing', ['host', 'token']),
    timeoutMs: expectInteger(members, 'timeoutMs', TIMEOUT_MS),
  };
}

function parseCommand(value: unknown): string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > WORDS_MAX) {
    throw malformed('signer.command', `1 to ${WORDS_MAX} words`);
  }
  return value.map((word: unknown, at) => {
    if (typeof word !== 'string' || word.length > WORD_CHARS_MAX || word.includes('\0') || (at === 0 && word === '')) {
      throw malformed(`signer.command[${at}]`, 'a word');
    }
    return word;
  });
}

function parseExec(value: Members): ExecAddress {
  const names = ['kind', 'command', 'input', 'format', 'encoding', 'timeoutMs'];
  const members = expectMembers(value, names, 'signer');
  return {
    kind: 'exec',
    command: parseCommand(members['command']),
    input: expectOneOf(members, 'input', ['message', 'digest']),
    format: expectOneOf(members, 'format', ['raw', 'der']),
    encoding: expectOneOf(members, 'encoding', ['binary', 'base64']),
    timeoutMs: expectInteger(members, 'timeoutMs', TIMEOUT_MS),
  };
}

/**
 * Reads where a key is. Used for stored references and for what a command line asks for.
 * @throws KeysError KEYS_FILE_MALFORMED
 */
export function parseSignerAddress(value: unknown): SignerAddress {
  const members = expectObject(value, 'signer');
  return expectOneOf(members, 'kind', ['pkcs11', 'exec']) === 'pkcs11' ? parsePkcs11(members) : parseExec(members);
}

/**
 * Reads a key reference strictly.
 * @throws KeysError KEYS_FILE_MALFORMED, KEYS_ALGORITHM_NOT_ALLOWED
 */
export function parseKeyReference(bytes: Uint8Array): KeyReference {
  const members = expectMembers(parseJson(bytes), MEMBERS, 'file');
  if (members['pawlKeyReference'] !== FORMAT_VERSION) throw malformed('pawlKeyReference', String(FORMAT_VERSION));
  const facts = parseFacts(members);
  if (facts.role === 'line') throw malformed('role', 'a role that signs');
  if (facts.custody === 'file') throw malformed('custody', 'offline, hsm or kms');
  return { ...facts, signer: parseSignerAddress(members['signer']) };
}
