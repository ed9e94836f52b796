import { run } from '../src/stage/processes.ts';

/** Bytes per second of one primitive by OpenSSL's own speed test: one thread, 64 KiB blocks. */
export async function opensslSpeed(cipher: string): Promise<number> {
  const text = await run('openssl', ['speed', '-elapsed', '-seconds', '2', '-bytes', '65536', '-evp', cipher, '-mr']);
  const figure = /^\+F:\d+:[^:]+:([0-9.]+)/m.exec(text)?.[1];
  if (figure === undefined) throw new Error(`openssl speed said ${text}`);
  return Number(figure);
}

export type SignatureSpeed = { readonly signsPerSecond: number; readonly verifiesPerSecond: number };

/** Signatures and verifications per second by OpenSSL's own speed test, one thread. */
export async function opensslSignatureSpeed(algorithm: string): Promise<SignatureSpeed> {
  const text = await run('openssl', ['speed', '-elapsed', '-seconds', '1', '-mr', algorithm]);
  const [, sign, verify] = /^\+F\d:.*:([0-9.]+):([0-9.]+)$/m.exec(text) ?? [];
  if (sign === undefined || verify === undefined) throw new Error(`openssl speed said ${text}`);
  return { signsPerSecond: Number(sign), verifiesPerSecond: Number(verify) };
}
