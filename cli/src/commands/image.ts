/** `pawl image`: firmware images as they are; to sign one for MCUboot, and to open an encrypted one. */
import { hash } from 'node:crypto';
import type { McubootSigner, McubootSignOptions, McubootVersion, TrailerAlignment } from '@pawl/core/image';
import { classUuid, vendorUuid } from '@pawl/core/suit';
import { type CommandGroup, defineCommand, type Io } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { inFolder, readInput, readText, writeOutput } from '../workspace/files.ts';
import {
  DECRYPT_KEY_OPTION,
  factLines,
  IMAGE_SIZE_BYTES_MAX,
  parseSymmetricKey,
  readImageTrust,
} from '../workspace/image-file.ts';
import { openSigningKey } from '../workspace/keyring.ts';
import { obtainPassphrase, PASSPHRASE_OPTION } from '../workspace/passphrase.ts';
import { loadWorkspace, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const FILE = { name: 'FILE', summary: 'the image' } as const;

const describe = defineCommand({
  summary: 'say which format an image has, and what stands in it',
  about: [
    'Checks the structure, checksums and digests of the format. It says nothing about who made it: see `pawl verify`.',
  ],
  positionals: [FILE],
  example: 'pawl image describe firmware.bin',
  async run({ positionals: [file = ''], io }) {
    const { describeImage, IMAGE_FORMATS } = await import('@pawl/core/image');
    const { format, ...facts } = describeImage(await readInput(inFolder(io.cwd, file), IMAGE_SIZE_BYTES_MAX));
    return { json: { format, ...facts }, text: [IMAGE_FORMATS[format].summary, ...factLines(facts)] };
  },
});

const open = defineCommand({
  summary: 'verify an MCUboot image and write its payload, in the clear',
  positionals: [FILE],
  options: {
    key: { type: 'string', value: 'FILE', summary: 'public key (PEM) that must have signed', multiple: true },
    'decrypt-key': DECRYPT_KEY_OPTION,
    out: { type: 'string', value: 'FILE', summary: 'where the payload goes', required: true },
  },
  example: 'pawl image open firmware.signed.bin --key sign.pub.pem --decrypt-key device.pem --out firmware.bin',
  async run({ values, positionals: [file = ''], io }) {
    const trust = await readImageTrust(io, values.key, values['decrypt-key']);
    const { openMcuboot } = await import('@pawl/core/image');
    const { verified, payload } = openMcuboot(await readInput(inFolder(io.cwd, file), IMAGE_SIZE_BYTES_MAX), trust);
    const path = inFolder(io.cwd, values.out);
    // What was encrypted stays with its owner.
    await writeOutput(path, payload, verified.isEncrypted ? 0o600 : 0o644);
    const { format, ...facts } = verified;
    return {
      json: { format, ...facts, path },
      text: ['authentic MCUboot image', ...factLines(facts), `wrote ${path}`],
    };
  },
});

/** A whole number, decimal or with 0x. */
function parseNumber(text: string, option: string): number {
  if (!/^(?:\d{1,10}|0x[0-9a-fA-F]{1,8})$/.test(text)) {
    throw new CliError('CLI_USAGE', { option, value: text, expected: 'a whole number' });
  }
  return Number(text);
}

/** `1.2.3+4`, as imgtool writes it; what is left out is 0. */
function parseVersion(text: string): McubootVersion {
  const [, major, minor, revision, build] = /^(\d+)(?:\.(\d+)(?:\.(\d+)(?:\+(\d+))?)?)?$/.exec(text) ?? [];
  if (major === undefined) throw new CliError('CLI_USAGE', { version: text, expected: 'a version such as 1.2.3+4' });
  return {
    major: Number(major),
    minor: Number(minor ?? 0),
    revision: Number(revision ?? 0),
    build: Number(build ?? 0),
  };
}

function parseDependency(text: string): { image: number; versionMin: McubootVersion } {
  const [image, version, ...rest] = text.split(':');
  if (image === undefined || version === undefined || rest.length > 0) {
    throw new CliError('CLI_USAGE', { dependency: text, expected: 'IMAGE:VERSION' });
  }
  return { image: parseNumber(image, '--dependency'), versionMin: parseVersion(version) };
}

function oneOf<const T extends string>(text: string, option: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new CliError('CLI_USAGE', { option, value: text, expected: choices.join(', ') });
  return found;
}

const SIGN_OPTIONS = {
  version: { type: 'string', value: 'X.Y.Z+B', summary: 'version in the header', required: true },
  out: { type: 'string', value: 'FILE', summary: 'where the signed image goes', required: true },
  key: { type: 'string', value: 'NAME', summary: 'key of the workspace that signs' },
  'key-file': { type: 'string', value: 'FILE', summary: 'private key (PEM) that signs: RSA, ECDSA or Ed25519' },
  'full-key': { type: 'boolean', summary: 'put the public key into the image, not its hash' },
  hash: { type: 'string', value: 'NAME', summary: 'image hash: sha256, sha384 or sha512; default that of the key' },
  pure: { type: 'boolean', summary: 'sign the image itself, not its hash (Ed25519)' },
  counter: { type: 'string', value: 'N', summary: 'security counter' },
  dependency: { type: 'string', value: 'IMAGE:X.Y.Z', summary: 'the least version of another image', multiple: true },
  vendor: { type: 'string', value: 'DOMAIN', summary: 'vendor id, from the domain of the vendor' },
  class: { type: 'string', value: 'TEXT', summary: 'class id, from the name of the model; needs --vendor' },
  'boot-record': { type: 'string', value: 'TYPE', summary: 'boot record for this type of software' },
  'header-size': { type: 'string', value: 'N', summary: 'size of the header, put before the payload', default: '32' },
  'load-address': { type: 'string', value: 'N', summary: 'where in RAM the image runs' },
  'rom-address': { type: 'string', value: 'N', summary: 'where in flash the image was built for' },
  'non-bootable': { type: 'boolean', summary: 'mark it as not bootable' },
  encrypt: { type: 'string', value: 'FILE', summary: 'key to encrypt for: public key (PEM) or symmetric key (base64)' },
  aes: { type: 'string', value: 'BITS', summary: 'size of the image key: 128 or 256', default: '128' },
  hmac: { type: 'string', value: 'NAME', summary: 'for X25519: sha256 or sha512', default: 'sha256' },
  'slot-size': { type: 'string', value: 'N', summary: 'size of the slot; the image must leave room for the trailer' },
  align: { type: 'string', value: 'N', summary: 'write alignment of the flash', default: '8' },
  'max-align': { type: 'string', value: 'N', summary: 'greatest write alignment of both slots: 8, 16 or 32' },
  'max-sectors': { type: 'string', value: 'N', summary: 'the most sectors that a slot has', default: '128' },
  'overwrite-only': { type: 'boolean', summary: 'the bootloader overwrites, it does not swap' },
  trailer: { type: 'string', value: 'KIND', summary: 'pad to the slot with a trailer: test or confirmed' },
  ...PASSPHRASE_OPTION,
  ...WORKSPACE_OPTION,
} as const;

type SignValues = Parameters<Parameters<typeof defineCommand<typeof SIGN_OPTIONS>>[0]['run']>[0]['values'];

async function readSigner(io: Io, values: SignValues): Promise<McubootSigner | undefined> {
  const { mcubootSigner, mcubootSignerFromPem } = await import('@pawl/core/image');
  const { key, 'key-file': file } = values;
  if (key !== undefined && file !== undefined) throw new CliError('CLI_USAGE', { expected: '--key or --key-file' });
  if (key !== undefined) {
    const workspace = await loadWorkspace(io, values.workspace);
    return mcubootSigner(await openSigningKey(workspace, key, await obtainPassphrase(io, values['passphrase-file'])));
  }
  if (file === undefined) return undefined;
  const pem = await readText(inFolder(io.cwd, file));
  const isLocked = pem.includes('ENCRYPTED');
  return mcubootSignerFromPem(pem, isLocked ? await obtainPassphrase(io, values['passphrase-file']) : undefined);
}

async function readEncryption(io: Io, values: SignValues): Promise<McubootSignOptions['encryption']> {
  if (values.encrypt === undefined) return undefined;
  const { mcubootRecipientFromPem } = await import('@pawl/core/image');
  const text = await readText(inFolder(io.cwd, values.encrypt));
  const kek = parseSymmetricKey(text);
  const mac = oneOf(values.hmac, '--hmac', ['sha256', 'sha512']);
  return {
    recipient: kek === undefined ? mcubootRecipientFromPem(text, mac) : { kek },
    aesBits: oneOf(values.aes, '--aes', ['128', '256']) === '256' ? 256 : 128,
  };
}

function parseAlignment(text: string): TrailerAlignment {
  const alignment = ([8, 16, 32] as const).find((each) => `${each}` === text);
  if (alignment === undefined)
    throw new CliError('CLI_USAGE', { option: '--max-align', value: text, expected: '8, 16, 32' });
  return alignment;
}

function slotOf(values: SignValues): McubootSignOptions['slot'] {
  const { trailer, 'max-align': alignment } = values;
  if (values['slot-size'] === undefined) {
    if (trailer !== undefined) throw new CliError('CLI_USAGE', { missing: '--slot-size' });
    return undefined;
  }
  return {
    sizeBytes: parseNumber(values['slot-size'], '--slot-size'),
    writeAlignment: parseNumber(values.align, '--align'),
    sectorsMax: parseNumber(values['max-sectors'], '--max-sectors'),
    isOverwriteOnly: values['overwrite-only'],
    ...(alignment === undefined ? {} : { alignment: parseAlignment(alignment) }),
    ...(trailer === undefined ? {} : { trailer: oneOf(trailer, '--trailer', ['test', 'confirmed']) }),
  };
}

function loadOf(values: SignValues): McubootSignOptions['load'] {
  const { 'load-address': ram, 'rom-address': rom } = values;
  if (ram !== undefined && rom !== undefined) {
    throw new CliError('CLI_USAGE', { expected: '--load-address or --rom-address' });
  }
  if (ram !== undefined) return { address: parseNumber(ram, '--load-address'), isRomFixed: false };
  return rom === undefined ? undefined : { address: parseNumber(rom, '--rom-address'), isRomFixed: true };
}

function idsOf({ vendor, class: model }: SignValues): Pick<McubootSignOptions, 'vendorId' | 'classId'> {
  if (vendor === undefined) {
    if (model !== undefined) throw new CliError('CLI_USAGE', { missing: '--vendor' });
    return {};
  }
  const vendorId = vendorUuid(vendor);
  return model === undefined ? { vendorId } : { vendorId, classId: classUuid(vendorId, model) };
}

/** Leaves out what is undefined, as exact optional properties want it. */
function given<K extends string, V>(name: K, value: V | undefined): { readonly [name in K]?: V } {
  const one: { [name in K]?: V } = {};
  if (value !== undefined) one[name] = value;
  return one;
}

const sign = defineCommand({
  summary: 'make an MCUboot image of a payload: header, hash, signature',
  about: [
    'FILE is the payload, without room for a header. Without --key and --key-file the image carries its hash only.',
    'The keys that MCUboot publishes for tests are refused. Numbers may be written with 0x.',
  ],
  positionals: [{ name: 'FILE', summary: 'the payload' }],
  options: SIGN_OPTIONS,
  example: 'pawl image sign firmware.bin --version 1.4.0 --key-file sign.pem --counter 3 --out firmware.signed.bin',
  async run({ values, positionals: [file = ''], io }) {
    const { describeMcuboot, signMcuboot } = await import('@pawl/core/image');
    const { hash: hashName, counter } = values;
    const image = await signMcuboot({
      payload: await readInput(inFolder(io.cwd, file), IMAGE_SIZE_BYTES_MAX),
      version: parseVersion(values.version),
      headerSizeBytes: parseNumber(values['header-size'], '--header-size'),
      isBootable: !values['non-bootable'],
      publicKey: values['full-key'] ? 'full' : 'hash',
      isPure: values.pure,
      dependencies: values.dependency.map(parseDependency),
      ...idsOf(values),
      ...given('hash', hashName === undefined ? undefined : oneOf(hashName, '--hash', ['sha256', 'sha384', 'sha512'])),
      ...given('securityCounter', counter === undefined ? undefined : parseNumber(counter, '--counter')),
      ...given('bootRecord', values['boot-record']),
      ...given('load', loadOf(values)),
      ...given('slot', slotOf(values)),
      ...given('encryption', await readEncryption(io, values)),
      ...given('signer', await readSigner(io, values)),
    });
    const path = inFolder(io.cwd, values.out);
    await writeOutput(path, image);
    const { format, ...facts } = describeMcuboot(image);
    const sha256 = hash('sha256', image);
    return {
      json: { format, path, sha256, ...facts },
      text: [`wrote ${path}`, `sha256 ${sha256}`, ...factLines(facts)],
    };
  },
});

export const image: CommandGroup = {
  summary: 'firmware images: describe, sign and open them',
  commands: { describe, sign, open },
};
