/**
 * Makes a CMS-signed SWUpdate image with the tools that its users have: `openssl cms` and `cpio`. For tests.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type SwuSigner = { readonly keyFile: string; readonly certificateFile: string };

function run(folder: string, command: string, args: readonly string[], input?: string): void {
  execFileSync(command, args, {
    cwd: folder,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', 'pipe'],
    ...(input === undefined ? {} : { input }),
  });
}

/** Makes a self-signed certificate for e-mail protection, the purpose that SWUpdate asks for. */
export function makeSwuSigner(folder: string, name: string): SwuSigner {
  const [keyFile, certificateFile] = [join(folder, `${name}.key.pem`), join(folder, `${name}.cert.pem`)];
  run(folder, 'openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-addext',
    'extendedKeyUsage=emailProtection',
    '-addext',
    'keyUsage=critical,digitalSignature',
    '-keyout',
    keyFile,
    '-out',
    certificateFile,
  ]);
  return { keyFile, certificateFile };
}

/** Makes `<version>.swu`: sw-description with the image's SHA-256, its detached signature, and the image. */
export function makeSwu(
  folder: string,
  signer: SwuSigner,
  image: {
    readonly version: string;
    readonly bytes: Uint8Array;
    readonly installTo: string;
    /** A shell script that runs before the image is written. */
    readonly script?: string;
  },
): Uint8Array {
  const sha256 = createHash('sha256').update(image.bytes).digest('hex');
  const file = `{ filename = "image.bin"; path = "${image.installTo}"; sha256 = "${sha256}"; properties: { create-destination = "true"; } }`;
  const script = image.script ?? '';
  const scriptSha256 = createHash('sha256').update(script).digest('hex');
  const entry = `{ filename = "before.sh"; type = "preinstall"; sha256 = "${scriptSha256}"; }`;
  const scripts = script === '' ? '' : `  scripts: ( ${entry} );\n`;
  const description = `software = {
  version = "${image.version}";
  hardware-compatibility = [ "1.0" ];
  files: ( ${file} );
${scripts}};
`;
  writeFileSync(join(folder, 'image.bin'), image.bytes);
  if (script !== '') writeFileSync(join(folder, 'before.sh'), script);
  writeFileSync(join(folder, 'sw-description'), description);
  run(folder, 'openssl', [
    'cms',
    '-sign',
    '-in',
    'sw-description',
    '-out',
    'sw-description.sig',
    '-signer',
    signer.certificateFile,
    '-inkey',
    signer.keyFile,
    '-outform',
    'DER',
    '-nosmimecap',
    '-binary',
  ]);
  const swu = join(folder, `${image.version}.swu`);
  // SWUpdate wants sw-description first, its signature second; the crc form is the one that its tools write.
  const names = ['sw-description', 'sw-description.sig', ...(script === '' ? [] : ['before.sh']), 'image.bin'];
  run(folder, 'cpio', ['-o', '-H', 'crc', '-F', swu], `${names.join('\n')}\n`);
  return readFileSync(swu);
}
