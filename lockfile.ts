/**
 * Completes package-lock.json after `npm install`: adds the platform packages that npm left out.
 *
 * Tools come as one optional package a platform. npm forgets those that the registry at hand does not serve, and `npm ci`
 * then refuses the lockfile as incomplete. What is added here is never fetched on the platforms that we pin; it only says
 * that the package exists and whom it is for. Usage: node lockfile.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';

type LockedPackage = {
  readonly version?: string;
  readonly dev?: boolean;
  readonly license?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};
export type Lockfile = { packages: Record<string, LockedPackage & Readonly<Record<string, unknown>>> };

const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const PROCESSORS = ['arm64', 'x64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'wasm32'];

function libcOf(words: readonly string[], os: string | undefined): string | undefined {
  if (words.some((word) => word.startsWith('musl'))) return 'musl';
  return os === 'linux' && words.some((word) => word.startsWith('gnu')) ? 'glibc' : undefined;
}

function platformOf(name: string): Readonly<Record<string, readonly string[]>> {
  const words = name.split(/[-/]/);
  const os = SYSTEMS.find((word) => words.includes(word));
  const cpu = PROCESSORS.find((word) => words.includes(word));
  const libc = libcOf(words, os);
  return {
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(libc === undefined ? {} : { libc: [libc] }),
    ...(os === undefined ? {} : { os: [os] }),
  };
}

/** The optional packages that the lockfile names but does not hold. */
export function missingPackages({ packages }: Lockfile): [name: string, entry: Lockfile['packages'][string]][] {
  return Object.entries(packages).flatMap(([at, { dev, license, optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies).flatMap(([name, version]) => {
      const isHeld = packages[`node_modules/${name}`] ?? packages[`${at}/node_modules/${name}`];
      const entry = { version, ...(dev === true ? { dev } : {}), ...(license === undefined ? {} : { license }) };
      const found = [`node_modules/${name}`, { ...entry, optional: true, ...platformOf(name) }];
      return isHeld === undefined ? [found as [string, Lockfile['packages'][string]]] : [];
    }),
  );
}

if (import.meta.main) {
  const path = `${import.meta.dirname}/package-lock.json`;
  const lockfile = JSON.parse(readFileSync(path, 'utf8')) as Lockfile;
  const missing = missingPackages(lockfile);
  const entries = [...Object.entries(lockfile.packages), ...missing];
  lockfile.packages = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  if (missing.length > 0) writeFileSync(path, `${JSON.stringify(lockfile, null, 2)}\n`);
  process.stdout.write(`${missing.length} platform packages added\n`);
}
