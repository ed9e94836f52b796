/** Makes device certificates with the openssl command line tool. For tests. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type CertificateFiles = {
  readonly keyFile: string;
  readonly certificateFile: string;
  readonly keyPem: string;
  readonly certificatePem: string;
};

const OPENSSL = 'openssl';

function openssl(args: readonly string[]): void {
  execFileSync(OPENSSL, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function filesOf(folder: string, name: string): { keyFile: string; certificateFile: string } {
  return { keyFile: join(folder, `${name}.key.pem`), certificateFile: join(folder, `${name}.pem`) };
}

function read(files: { keyFile: string; certificateFile: string }): CertificateFiles {
  return {
    ...files,
    keyPem: readFileSync(files.keyFile, 'utf8'),
    certificatePem: readFileSync(files.certificateFile, 'utf8'),
  };
}

/** A self-signed certificate: an authority, or a server, or a device that has only its own key. */
export function makeSelfSigned(
  folder: string,
  name: string,
  options: { readonly isAuthority?: boolean; readonly alternativeName?: string; readonly keyFile?: string } = {},
): CertificateFiles {
  const files = { ...filesOf(folder, name), ...(options.keyFile === undefined ? {} : { keyFile: options.keyFile }) };
  const key =
    options.keyFile === undefined
      ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', files.keyFile]
      : ['-key', options.keyFile];
  const extensions = [
    `basicConstraints=critical,CA:${options.isAuthority === true ? 'TRUE' : 'FALSE'}`,
    ...(options.alternativeName === undefined ? [] : [`subjectAltName=${options.alternativeName}`]),
  ];
  openssl([
    'req',
    '-x509',
    ...key,
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-out',
    files.certificateFile,
    ...extensions.flatMap((extension) => ['-addext', extension]),
  ]);
  return read(files);
}

const DEVICE_EXTENSIONS = ['basicConstraints=critical,CA:FALSE', 'extendedKeyUsage=clientAuth'];

/** A certificate that an authority issued for a common name. */
export function issueCertificate(
  folder: string,
  name: string,
  authority: CertificateFiles,
  subject: string = `/CN=${name}`,
  options: {
    readonly extensions?: readonly string[];
    /** For a certificate over the key that another one has. */
    readonly keyFile?: string;
    readonly days?: number;
  } = {},
): CertificateFiles {
  const { extensions = DEVICE_EXTENSIONS, keyFile, days = 2 } = options;
  const files = { ...filesOf(folder, name), ...(keyFile === undefined ? {} : { keyFile }) };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', files.keyFile];
  const requestFile = join(folder, `${name}.csr`);
  const extensionFile = join(folder, `${name}.ext`);
  writeFileSync(extensionFile, `${extensions.join('\n')}\n`);
  openssl(['req', '-new', ...(keyFile === undefined ? key : ['-key', keyFile]), '-subj', subject, '-out', requestFile]);
  openssl([
    'x509',
    '-req',
    '-in',
    requestFile,
    '-CA',
    authority.certificateFile,
    '-CAkey',
    authority.keyFile,
    '-CAcreateserial',
    '-days',
    String(days),
    '-extfile',
    extensionFile,
    '-out',
    files.certificateFile,
  ]);
  return read(files);
}
