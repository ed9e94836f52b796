/** Makes signed Mender artifacts with Debian's mender-artifact, for an update module. For tests. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type MenderSigner = { readonly keyFile: string; readonly publicKeyFile: string; readonly publicKeyPem: string };

function run(folder: string, command: string, args: readonly string[]): void {
  execFileSync(command, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Why tests that make artifacts are skipped; with CI=true never. */
export function skipWithoutMenderArtifact(): string | false {
  const isMissing = spawnSync('which', ['mender-artifact']).status !== 0;
  return isMissing && process.env['CI'] !== 'true' ? 'needs mender-artifact (Debian)' : false;
}

export function makeMenderSigner(folder: string, name: string): MenderSigner {
  const [keyFile, publicKeyFile] = [join(folder, `${name}.key.pem`), join(folder, `${name}.pub.pem`)];
  run(folder, 'openssl', ['ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', keyFile]);
  run(folder, 'openssl', ['ec', '-in', keyFile, '-pubout', '-out', publicKeyFile]);
  return { keyFile, publicKeyFile, publicKeyPem: readFileSync(publicKeyFile, 'utf8') };
}

export type MenderImage = {
  readonly artifactName: string;
  readonly deviceType: string;
  readonly bytes: Uint8Array;
};

/** An artifact whose payload is one file, `image.bin`, for the update module `pawl-test`. */
export function makeMenderArtifact(folder: string, signer: MenderSigner, image: MenderImage): Uint8Array {
  const [payload, output] = [join(folder, 'image.bin'), join(folder, `${image.artifactName}.mender`)];
  writeFileSync(payload, image.bytes);
  const names = ['-n', image.artifactName, '-t', image.deviceType, '-T', 'pawl-test'];
  const files = ['-f', payload, '-k', signer.keyFile, '-o', output, '--compression', 'none'];
  run(folder, 'mender-artifact', ['write', 'module-image', ...names, ...files]);
  return readFileSync(output);
}

export function randomImage(sizeBytes: number): Uint8Array {
  return new Uint8Array(randomBytes(sizeBytes));
}
