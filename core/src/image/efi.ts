/**
 * EFI programs (UEFI 2.10 §2.1.1): boot loaders, kernels, and unified kernel images (UAPI group, "UKI"), which carry kernel,
 * initrd, command line and the identity of the system in sections of one signed file. SBAT: shim, SBAT.md.
 *
 * Described from the headers and the small text sections; verified by Authenticode (`authenticode.ts`).
 */
import { ByteReader, fromUtf8, isCodedError, toHex } from '../bytes/index.ts';
import { digestPe, readSignatures, verifyAuthenticode } from './authenticode.ts';
import type { CmsSigner } from './certificate.ts';
import { ImageError } from './errors.ts';
import { type PeFile, parsePe, sectionContent } from './pe.ts';
import type { DigestName } from './signature-algorithm.ts';
import type { ImageTrust } from './trust.ts';

const TEXT_SIZE_BYTES_MAX = 64 * 1024;
const SBAT_ROWS_MAX = 64;

const MACHINES: ReadonlyMap<number, string> = new Map([
  [0x014c, 'x86'],
  [0x01c2, 'arm'],
  [0x01c4, 'arm'],
  [0x5032, 'riscv32'],
  [0x5064, 'riscv64'],
  [0x6264, 'loongarch64'],
  [0x8664, 'x86-64'],
  [0xaa64, 'aarch64'],
]);

const SUBSYSTEMS: ReadonlyMap<number, string> = new Map([
  [10, 'application'],
  [11, 'boot-service-driver'],
  [12, 'runtime-driver'],
  [13, 'rom'],
]);

const CHARACTERISTICS: readonly (readonly [bit: number, name: string])[] = [
  [0x0001, 'relocations-stripped'],
  [0x0002, 'executable'],
  [0x0020, 'large-address-aware'],
  [0x0200, 'debug-stripped'],
  [0x2000, 'library'],
];

const DLL_CHARACTERISTICS: readonly (readonly [bit: number, name: string])[] = [
  [0x0040, 'relocatable'],
  [0x0100, 'nx-compatible'],
];

/** os-release(5): the fields that say which system this is. */
const OS_FIELDS = {
  name: 'NAME',
  id: 'ID',
  versionId: 'VERSION_ID',
  imageId: 'IMAGE_ID',
  imageVersion: 'IMAGE_VERSION',
};

export type OsRelease = { readonly [Field in keyof typeof OS_FIELDS]?: string };

export type SbatEntry = { readonly component: string; readonly generation: number };

/** What an EFI program says about itself. */
export type EfiFacts = {
  readonly machine: string;
  readonly subsystem: string;
  readonly characteristics: readonly string[];
  /** True when it carries a kernel of its own: a unified kernel image. */
  readonly isUki: boolean;
  readonly sections: readonly { readonly name: string; readonly sizeBytes: number }[];
  readonly osRelease?: OsRelease;
  /** Release of the kernel, as `uname -r` shows it. */
  readonly kernelRelease?: string;
  readonly commandLine?: string;
  readonly sbat?: readonly SbatEntry[];
};

/** What an EFI program says about itself, and the digest that lists of the firmware (db, dbx) are about. */
export type EfiDescription = EfiFacts & {
  readonly format: 'efi';
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly signatureCount: number;
};

/** An EFI program that a registered signer vouches for. */
export type VerifiedEfi = EfiFacts & {
  readonly format: 'efi';
  readonly signers: readonly CmsSigner[];
  readonly digest: { readonly algorithm: DigestName; readonly value: string };
};

/** Never throws. */
export function isEfi(bytes: Uint8Array): boolean {
  if (bytes.length < 64 || bytes[0] !== 0x4d || bytes[1] !== 0x5a) return false;
  const at = new ByteReader(bytes, 0x3c).u32le();
  if (at + 24 + 70 > bytes.length || new ByteReader(bytes, at).u32le() !== 0x0000_4550) return false;
  return SUBSYSTEMS.has(new ByteReader(bytes, at + 24 + 68).u16le());
}

function malformed(expected: string, section: string): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'efi', expected, section });
}

/** The text of the first section of this name; a multi-profile image has its base profile first. */
function textOf(pe: PeFile, name: string): string | undefined {
  const section = pe.sections.find((each) => each.name === name);
  if (section === undefined) return undefined;
  const content = sectionContent(pe, section);
  const end = content.indexOf(0);
  const text = end < 0 ? content : content.subarray(0, end);
  if (text.length > TEXT_SIZE_BYTES_MAX) throw malformed(`at most ${TEXT_SIZE_BYTES_MAX} bytes of text`, name);
  try {
    return fromUtf8(text).trimEnd();
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw malformed('text in UTF-8', name);
  }
}

/** os-release(5): values are quoted as in a shell. */
function unquote(value: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(value)?.[1];
  if (quoted !== undefined) return quoted.replaceAll(/\\(["$`\\])/g, '$1');
  return /^'([^']*)'$/.exec(value)?.[1] ?? value;
}

function parseOsRelease(text: string): OsRelease {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([A-Z0-9_]+)=(.*)$/.exec(line.trim()) ?? [];
    // The last assignment counts, as in a shell.
    if (name !== undefined && value !== undefined) values.set(name, unquote(value));
  }
  const fields = Object.entries(OS_FIELDS).flatMap(([field, name]) => {
    const value = values.get(name);
    return value === undefined ? [] : [[field, value] as const];
  });
  return Object.fromEntries(fields);
}

function parseSbat(text: string): SbatEntry[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length > SBAT_ROWS_MAX) throw malformed(`at most ${SBAT_ROWS_MAX} rows`, '.sbat');
  return lines.map((line) => {
    const [component = '', generation = ''] = line.split(',');
    if (component === '' || !/^[1-9][0-9]{0,8}$/.test(generation)) throw malformed('component,generation,…', '.sbat');
    return { component, generation: Number(generation) };
  });
}

function namesOf(table: readonly (readonly [bit: number, name: string])[], value: number): string[] {
  return table.flatMap(([bit, name]) => ((value & bit) === 0 ? [] : [name]));
}

function factsOf(pe: PeFile): EfiFacts {
  const subsystem = SUBSYSTEMS.get(pe.subsystem);
  if (subsystem === undefined) {
    throw new ImageError('IMAGE_MALFORMED', { format: 'efi', expected: 'a subsystem of EFI', actual: pe.subsystem });
  }
  const [osRelease, kernelRelease, commandLine, sbat] = ['.osrel', '.uname', '.cmdline', '.sbat'].map((name) =>
    textOf(pe, name),
  );
  return {
    machine: MACHINES.get(pe.machine) ?? `machine 0x${pe.machine.toString(16)}`,
    subsystem,
    characteristics: [
      ...namesOf(CHARACTERISTICS, pe.characteristics),
      ...namesOf(DLL_CHARACTERISTICS, pe.dllCharacteristics),
    ],
    isUki: pe.sections.some(({ name }) => name === '.linux'),
    sections: pe.sections.map((section) => ({ name: section.name, sizeBytes: sectionContent(pe, section).length })),
    ...(osRelease === undefined ? {} : { osRelease: parseOsRelease(osRelease) }),
    ...(kernelRelease === undefined ? {} : { kernelRelease }),
    ...(commandLine === undefined ? {} : { commandLine }),
    ...(sbat === undefined ? {} : { sbat: parseSbat(sbat) }),
  };
}

/**
 * Describes an EFI program and checks its structure; its signatures are counted, not verified.
 * @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED, IMAGE_SIGNATURE_MALFORMED
 */
export function describeEfi(bytes: Uint8Array): EfiDescription {
  const pe = parsePe(bytes);
  return {
    format: 'efi',
    sizeBytes: bytes.length,
    ...factsOf(pe),
    sha256: toHex(digestPe(pe, 'sha256')),
    signatureCount: readSignatures(pe).length,
  };
}

/**
 * Verifies an EFI program by its Authenticode signatures under the registered certificates (PEM).
 * @throws ImageError IMAGE_UNSIGNED, IMAGE_DIGEST_MISMATCH, IMAGE_SIGNATURE_*, IMAGE_SIGNER_UNKNOWN, IMAGE_ALGORITHM_WEAK, and those of `describeEfi`
 */
export async function verifyEfi(bytes: Uint8Array, trust: ImageTrust): Promise<VerifiedEfi> {
  const pe = parsePe(bytes);
  const signatures = verifyAuthenticode(pe, trust.keysPem);
  const [{ algorithm, digest }] = signatures;
  return {
    format: 'efi',
    ...factsOf(pe),
    signers: signatures.map(({ signer }) => signer),
    digest: { algorithm, value: digest },
  };
}
