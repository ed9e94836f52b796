/** A signed .swu as a vendor makes one: openssl signs sw-description, cpio (crc form) holds it all. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

function entry(name: string, data: Buffer): Buffer {
  const checksum = data.reduce((total, byte) => total + byte, 0);
  const fields = [1, 0o100644, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, checksum];
  const head = `070702${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
  const pad = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  return Buffer.concat([pad(Buffer.from(head)), pad(data)]);
}

/** Writes `name` and the certificate `signer.pem` into the folder. */
export function makeSwu(dir: string, name: string): void {
  const openssl = (...words: string[]): void => {
    execFileSync('openssl', words, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'signer.key'];
  const use = ['-addext', 'extendedKeyUsage=emailProtection', '-addext', 'keyUsage=digitalSignature'];
  openssl('req', '-x509', ...key, '-out', 'signer.pem', '-subj', '/CN=vendor', '-days', '30', ...use);
  const image = Buffer.from('root file system');
  const sha256 = createHash('sha256').update(image).digest('hex');
  const file = `{ filename = "rootfs.img"; sha256 = "${sha256}"; }`;
  writeFileSync(join(dir, 'sw-description'), `software = { version = "2.0.0"; images: ( ${file} ); }\n`);
  const sign = ['-sign', '-binary', '-outform', 'DER', '-noattr', '-md', 'sha256', '-nosmimecap'];
  openssl('cms', ...sign, '-in', 'sw-description', '-out', 'sw.sig', '-signer', 'signer.pem', '-inkey', 'signer.key');
  const read = (path: string): Buffer => readFileSync(join(dir, path));
  const archive = [
    entry('sw-description', read('sw-description')),
    entry('sw-description.sig', read('sw.sig')),
    entry('rootfs.img', image),
    entry('TRAILER!!!', Buffer.alloc(0)),
  ];
  writeFileSync(join(dir, name), Buffer.concat(archive));
}
