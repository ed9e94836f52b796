/** `pawl key add` and `pawl key import`: keys that were made elsewhere. */
import { PublicKey, SIGNATURE_ALGORITHM_NAMES, type SignatureAlgorithm } from '@pawl/core/crypto';
import {
  type AnyPrivateKey,
  CUSTODIES,
  type Custody,
  findPkcs11KeyId,
  importPkcs8Pem,
  importRawSecret,
  parseSignerAddress,
  readPkcs11PublicKey,
  type SignerAddress,
} from '@pawl/core/keys';
import { defineCommand, type Io, type Outcome } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { inFolder, readInput, readText } from '../workspace/files.ts';
import { addKeyReference, importNamedKey, type NamedKey } from '../workspace/keyring.ts';
import { obtainPassphrase, PASSPHRASE_OPTION } from '../workspace/passphrase.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';
import { KEY_NAME, keyFacts, OFFLINE_OPTION, PLAN_OPTIONS, parseRole, planKey } from './key-plan.ts';

const KEY_BYTES_MAX = 64 * 1024;

function parseSignature(text: string | undefined): SignatureAlgorithm | undefined {
  const algorithm = SIGNATURE_ALGORITHM_NAMES.find((name) => name === text);
  if (text !== undefined && algorithm === undefined) {
    throw new CliError('CLI_USAGE', { algorithm: text, expected: SIGNATURE_ALGORITHM_NAMES.join(', ') });
  }
  return algorithm;
}

function outcomeOf(verb: string, key: NamedKey): Outcome {
  const { name, path, file } = key;
  return {
    json: keyFacts(key),
    text: [`${verb} ${file.role} key ${name} (${file.algorithm})`, `id ${file.id}`, `written to ${path}`],
  };
}

const ADD_OPTIONS = {
  ...PLAN_OPTIONS,
  pkcs11: { type: 'string', value: 'MODULE', summary: 'a key in a token: absolute path of the PKCS#11 library' },
  token: { type: 'string', value: 'LABEL', summary: 'of a token: its label' },
  'token-key': { type: 'string', value: 'LABEL', summary: 'of a token: the label of the key' },
  'token-key-id': { type: 'string', value: 'HEX', summary: 'of a token: the id of the key, in place of its label' },
  'pin-file': { type: 'string', value: 'FILE', summary: 'of a token: the file whose first line is the PIN' },
  'pin-env': { type: 'string', value: 'NAME', summary: 'of a token: the environment variable that holds the PIN' },
  hashing: { type: 'string', value: 'WHERE', summary: 'of a token: who hashes, host or token', default: 'host' },
  exec: { type: 'boolean', summary: 'a key behind the command that follows "--"' },
  public: { type: 'string', value: 'FILE', summary: 'of a command: the public key, PEM' },
  input: { type: 'string', value: 'WHAT', summary: 'of a command: it gets message or digest', default: 'message' },
  format: { type: 'string', value: 'FORM', summary: 'of a command: it answers ECDSA as raw or der', default: 'der' },
  encoding: {
    type: 'string',
    value: 'HOW',
    summary: 'of a command: it answers in binary or base64',
    default: 'binary',
  },
  timeout: { type: 'string', value: 'MS', summary: 'how long to wait for a signature', default: '30000' },
  custody: { type: 'string', value: 'WHO', summary: 'hsm, kms or offline (a token is hsm, a command kms)' },
  ...PASSPHRASE_OPTION,
  ...WORKSPACE_OPTION,
} as const;

type AddValues = {
  readonly [K in keyof typeof ADD_OPTIONS]: (typeof ADD_OPTIONS)[K]['type'] extends 'boolean'
    ? boolean
    : (typeof ADD_OPTIONS)[K] extends { readonly default: string } | { readonly required: true }
      ? string
      : string | undefined;
};

type Found = { readonly publicKey: PublicKey; readonly signer: SignerAddress };

async function findOnToken(io: Io, values: AddValues, timeoutMs: number): Promise<Found> {
  const { pkcs11, token, hashing, 'token-key': label, 'token-key-id': id, 'pin-file': file, 'pin-env': env } = values;
  if ((label === undefined) === (id === undefined)) {
    throw new CliError('CLI_USAGE', { expected: '--token-key or --token-key-id' });
  }
  if ((file === undefined) === (env === undefined))
    throw new CliError('CLI_USAGE', { expected: '--pin-file or --pin-env' });
  const pin = file === undefined ? { env } : { file: inFolder(io.cwd, file) };
  const addressOf = (keyId: string): SignerAddress =>
    parseSignerAddress({ kind: 'pkcs11', module: pkcs11, token, keyId, pin, hashing, timeoutMs });
  // A label is looked up once; the id finds the key from then on.
  const place = addressOf(id ?? '00');
  if (place.kind !== 'pkcs11') throw new TypeError('the address of a token');
  const signer = label === undefined ? place : { ...place, keyId: await findPkcs11KeyId(place, label, io.env) };
  const algorithm = parseSignature(values.algorithm);
  return { signer, publicKey: await readPkcs11PublicKey(signer, { env: io.env, algorithm }) };
}

async function findBehindCommand(
  io: Io,
  values: AddValues,
  { command, timeoutMs }: { readonly command: readonly string[]; readonly timeoutMs: number },
): Promise<Found> {
  const { public: path, input, format, encoding } = values;
  if (path === undefined) throw new CliError('CLI_USAGE', { missing: '--public' });
  if (command.length === 0) throw new CliError('CLI_USAGE', { missing: 'COMMAND, after "--"' });
  const publicKey = PublicKey.fromSpki(await readText(inFolder(io.cwd, path)), parseSignature(values.algorithm));
  return { publicKey, signer: parseSignerAddress({ kind: 'exec', command, input, format, encoding, timeoutMs }) };
}

function parseCustody(text: string | undefined, byDefault: Custody): Custody {
  const custody = CUSTODIES.find((name) => name === (text ?? byDefault));
  if (custody === undefined || custody === 'file') {
    throw new CliError('CLI_USAGE', { custody: text, expected: 'hsm, kms or offline' });
  }
  return custody;
}

export const addKey = defineCommand({
  summary: 'make a key in a token (PKCS#11) or behind a command (a KMS) known',
  about: [
    'The private half stays where it is; the file that is written says where that is and holds no secret. Before it is',
    'written, the key signs a proof that it can be asked. From then on seal, publish and the others use it by its name.',
    'A command gets what is to be signed on standard input and answers with the signature on standard output:',
    '  pawl key add image-kms --role image --exec --public kms.pem --input digest -- kms-sign --key firmware',
  ],
  positionals: [KEY_NAME, { name: 'COMMAND', summary: 'after "--": the command', optional: true, multiple: true }],
  options: ADD_OPTIONS,
  example:
    'pawl key add image-hsm --role image --pkcs11 /usr/lib/softhsm/libsofthsm2.so --token line --token-key image --pin-file pin',
  async run({ values, positionals: [name = '', ...command], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const isToken = values.pkcs11 !== undefined;
    if (isToken === values.exec) throw new CliError('CLI_USAGE', { expected: '--pkcs11 or --exec' });
    if (isToken && command.length > 0) throw new CliError('CLI_USAGE', { unexpected: command[0] });
    const plan = await planKey(io, workspace, name, values);
    const custody = parseCustody(values.custody, isToken ? 'hsm' : 'kms');
    const timeoutMs = Number(parseNumber(values.timeout, '--timeout'));
    const found = await (isToken
      ? findOnToken(io, values, timeoutMs)
      : findBehindCommand(io, values, { command, timeoutMs }));
    // The key needs none; the signing log does.
    const passphrase = await obtainPassphrase(io, values['passphrase-file']);
    return outcomeOf('added', await addKeyReference(workspace, { ...plan, ...found, custody, passphrase }));
  },
});

type ImportValues = {
  readonly role: string;
  readonly raw: boolean;
  readonly algorithm: string | undefined;
  readonly 'source-passphrase-file': string | undefined;
};

async function readPrivateKey(io: Io, path: string, values: ImportValues): Promise<AnyPrivateKey> {
  const bytes = await readInput(inFolder(io.cwd, path), KEY_BYTES_MAX);
  const algorithm = parseSignature(values.algorithm === 'ECDH-P256' ? undefined : values.algorithm);
  const secret = values['source-passphrase-file'];
  try {
    if (values.raw) {
      if (algorithm === undefined) throw new CliError('CLI_USAGE', { missing: '--algorithm' });
      return importRawSecret(bytes, algorithm);
    }
    const passphrase = secret === undefined ? undefined : await obtainPassphrase(io, secret);
    return importPkcs8Pem(bytes, { role: parseRole(values.role), passphrase, algorithm });
  } finally {
    bytes.fill(0);
  }
}

export const importKey = defineCommand({
  summary: 'take a private key from PKCS#8 PEM or its raw seed, and seal it',
  about: ['The file that is read stays where it is: destroy it when the key has been imported and tried.'],
  positionals: [KEY_NAME, { name: 'FILE', summary: 'PKCS#8 PEM as openssl writes it, or the raw secret with --raw' }],
  options: {
    ...PLAN_OPTIONS,
    ...OFFLINE_OPTION,
    raw: {
      type: 'boolean',
      summary: 'the file is the raw secret: the 32-byte seed of ML-DSA or Ed25519, the scalar of ECDSA',
    },
    'source-passphrase-file': {
      type: 'string',
      value: 'FILE',
      summary: 'file with the passphrase of the file that is read',
    },
    ...PASSPHRASE_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: 'pawl key import image-old old.pem --role image --source-passphrase-file old-pass',
  async run({ values, positionals: [name = '', path = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const plan = await planKey(io, workspace, name, values);
    const key = await readPrivateKey(io, path, values);
    const passphrase = await obtainPassphrase(io, values['passphrase-file'], { isNew: true });
    const custody = values.offline ? 'offline' : 'file';
    return outcomeOf('imported', await importNamedKey(workspace, key, { ...plan, custody, passphrase }));
  },
});
