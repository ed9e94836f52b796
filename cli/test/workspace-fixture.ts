/** For tests: a workspace in a temporary folder, and command lines run in this process with their output kept. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { PrivateKey, PublicKey } from '@pawl/core/crypto';
import { newRandomSecret } from '@pawl/core/keys';
import { COMMANDS } from '../src/commands/index.ts';
import { runCommandLine } from '../src/frame/run.ts';
import { createNamedKey, lineKeyName } from '../src/workspace/keyring.ts';
import { createTrust } from '../src/workspace/trust-store.ts';
import { saveConfig } from '../src/workspace/workspace.ts';

/** As a machine keeps it; what people type is tried in the tests of the keys. */
export const PASSPHRASE = newRandomSecret();
export const LINE = 'kettle';

export type Ran = {
  readonly status: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
  /** The JSON of the last line, for runs with --json. */
  readonly json: Record<string, unknown>;
};

/** A temporary folder that is gone after the test. */
export class Place implements AsyncDisposable {
  readonly dir: string;
  /** What the command lines see besides the passphrase file. */
  readonly env: Record<string, string | undefined> = { PATH: process.env['PATH'] };
  /** Fixed when it is set. */
  now: Date | undefined;
  private constructor(dir: string) {
    this.dir = dir;
  }
  static async make(): Promise<Place> {
    const place = new Place(await mkdtemp(join(tmpdir(), 'pawl-cli-')));
    await writeFile(place.path('passphrase'), `${PASSPHRASE}\n`);
    return place;
  }
  path(...names: string[]): string {
    return join(this.dir, ...names);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.dir, { recursive: true });
  }

  /** Runs one command line in this folder, with the passphrase file in the environment. */
  async pawl(...words: string[]): Promise<Ran> {
    const out: string[] = [];
    const err: string[] = [];
    const status = await runCommandLine(COMMANDS, words, ({ isJson }) => ({
      cwd: this.dir,
      env: { PAWL_PASSPHRASE_FILE: this.path('passphrase'), ...this.env },
      stdin: Readable.from([]),
      isTty: false,
      isJson,
      print: (line) => out.push(line),
      note: (line) => err.push(line),
      draw: () => undefined,
      printJson: (value) =>
        out.push(JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item))),
      now: () => this.now ?? new Date(),
      signal: new AbortController().signal,
    }));
    const json = words.includes('--json') ? JSON.parse(out.at(-1) ?? '{}') : {};
    return { status, out, err, json };
  }
}

/** Keys and trust of one product line, made without a server. */
export async function makeWorkspace(place: Place): Promise<{ readonly online: PrivateKey }> {
  const now = new Date();
  const lines = { [LINE]: { vendorDomain: 'kettles.example', classInfo: 'kettle 1' } };
  const host = { env: {}, now: () => now, note: () => undefined };
  const workspace = await saveConfig({ dir: place.dir, config: { pawl: 1, tokenFile: 'token', lines }, host });
  const image = await createNamedKey(workspace, {
    name: 'image',
    role: 'image',
    algorithm: 'ESP256',
    purpose: 'test',
    passphrase: PASSPHRASE,
    createdAt: now,
  });
  await createNamedKey(workspace, {
    name: lineKeyName(LINE),
    role: 'line',
    algorithm: 'ECDH-P256',
    purpose: 'test',
    passphrase: PASSPHRASE,
    createdAt: now,
  });
  const online = PrivateKey.generate('Ed25519');
  await createTrust(place.dir, {
    rootSigner: PrivateKey.generate('Ed25519'),
    releaseSigner: PrivateKey.generate('Ed25519'),
    online: { snapshot: online.publicKey, timestamp: online.publicKey },
    lines: [{ line: LINE, keys: [PublicKey.fromSpki(image.file.public)], requiredAlgorithms: ['ESP256'] }],
    now,
  });
  return { online };
}
