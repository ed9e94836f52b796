/**
 * A folder in which tests make their inputs with real tools, and certificates with openssl. Commands are one line of words,
 * because no argument here has a space; keys and certificates are NAME.key and NAME.pem.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why tests that need these tools are skipped; with CI=true never: there a missing tool must fail them. */
export function skipWithout(...tools: readonly string[]): string | false {
  const missing = tools.filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
  return missing.length > 0 && process.env['CI'] !== 'true' ? `not installed: ${missing.join(', ')}` : false;
}

export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'pawl-bench-'));

  path(name: string): string {
    return join(this.folder, name);
  }
  read(name: string): Uint8Array {
    return new Uint8Array(readFileSync(this.path(name)));
  }
  write(name: string, content: string | Uint8Array): void {
    writeFileSync(this.path(name), content);
  }
  pem(name: string): string {
    return readFileSync(this.path(`${name}.pem`), 'utf8');
  }
  /** Runs a command in the folder; throws when it fails. Returns what it wrote to its output. */
  run(command: string, ...more: readonly string[]): string {
    const [tool = '', ...words] = command.split(' ');
    return execFileSync(tool, [...words, ...more], {
      cwd: this.folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
  /** Whether a command succeeds. */
  succeeds(command: string): boolean {
    const [tool = '', ...words] = command.split(' ');
    return spawnSync(tool, words, { cwd: this.folder, stdio: 'ignore' }).status === 0;
  }
  selfSigned(name: string, key = 'rsa:2048', ...extra: readonly string[]): void {
    this.run(
      `openssl req -x509 -nodes -newkey ${key} -keyout ${name}.key -out ${name}.pem -subj /CN=${name} -days 1`,
      ...extra,
    );
  }
  issued(name: string, issuer: string, ...extra: readonly string[]): void {
    this.run(`openssl req -new -nodes -newkey rsa:2048 -keyout ${name}.key -out ${name}.csr -subj /CN=${name}`);
    this.run(
      `openssl x509 -req -in ${name}.csr -CA ${issuer}.pem -CAkey ${issuer}.key -CAcreateserial -out ${name}.pem -days 1`,
      ...extra,
    );
  }
  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
