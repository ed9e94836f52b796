/**
 * Seal throughput: `pawl seal` as a whole process over SIZE_MIB (default 256) of random bytes, against what OpenSSL's own
 * speed test gives for the same work on this machine in the same run: AES-256-GCM once, SHA-256 over the plaintext and
 * over the ciphertext. A seal also ends on the disk: the time of `dd conv=fsync` for the same bytes is printed beside it,
 * because where the disk is slower than the cipher, the disk decides.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { newRandomSecret } from '@pawl/core/keys';
import { run, runPawl } from '../src/stage/processes.ts';
import { opensslSpeed } from './openssl-speed.ts';

const SIZE_MIB = Number(process.env['SIZE_MIB'] ?? 256);
const MIB = 1024 * 1024;
const RUNS = 3;

function writeImage(path: string, blockOf: () => Uint8Array): void {
  const file = openSync(path, 'w');
  for (let written = 0; written < SIZE_MIB; written += 1) writeSync(file, blockOf());
  fsyncSync(file);
  closeSync(file);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

async function secondsOf(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await act();
  return (performance.now() - startedAt) / 1000;
}

export async function benchSeal(): Promise<void> {
  const dir = mkdtempSync(`${tmpdir()}/pawl-bench-`);
  try {
    writeFileSync(`${dir}/passphrase`, newRandomSecret(), { mode: 0o600 });
    const env = { ...process.env, PAWL_PASSPHRASE_FILE: `${dir}/passphrase`, PAWL_WORKSPACE: `${dir}/workspace` };
    await runPawl(
      ['init', `${dir}/workspace`, '--line', 'bench', '--vendor-domain', 'bench.example', '--class-info', 'b1'],
      env,
    );
    writeImage(`${dir}/image.bin`, () => randomBytes(MIB));
    const disk: number[] = [];
    writeFileSync(`${dir}/tiny.bin`, randomBytes(4096));
    const seal = (image: string, version: string): Promise<number> =>
      secondsOf(() =>
        runPawl(['seal', `${dir}/${image}`, '--version', version, '--sequence', '1', '--counter', '1'], env),
      );
    const whole: number[] = [];
    const start: number[] = [];
    for (let turn = 0; turn < RUNS; turn += 1) {
      start.push(await seal('tiny.bin', `0.0.${turn}`));
      whole.push(await seal('image.bin', `1.0.${turn}`));
      disk.push(
        await secondsOf(() =>
          run('dd', [`if=${dir}/image.bin`, `of=${dir}/disk-${turn}.bin`, 'bs=1M', 'conv=fsync', 'status=none']),
        ),
      );
    }
    const [gcm, sha] = [await opensslSpeed('aes-256-gcm'), await opensslSpeed('sha256')];
    const bytes = SIZE_MIB * MIB;
    const openssl = bytes / gcm + (2 * bytes) / sha;
    const sealed = median(whole) - median(start);
    console.log(`seal: ${SIZE_MIB} MiB, median of ${RUNS}`);
    console.log(
      `pawl seal, whole process      ${median(whole).toFixed(2)} s   (a 4 KiB image: ${median(start).toFixed(2)} s)`,
    );
    console.log(`throughput beyond the start   ${(SIZE_MIB / sealed).toFixed(0)} MiB/s`);
    console.log(
      `openssl, same primitives      ${(SIZE_MIB / openssl).toFixed(0)} MiB/s   (aes-256-gcm ${(gcm / MIB).toFixed(0)}, sha256 ${(sha / MIB).toFixed(0)} MiB/s)`,
    );
    console.log(`dd with fsync, same bytes     ${(SIZE_MIB / median(disk)).toFixed(0)} MiB/s`);
    console.log(`ratio to openssl: ${(openssl / sealed).toFixed(2)}`);
    console.log(`ratio to openssl and dd, one after the other: ${((openssl + median(disk)) / sealed).toFixed(2)}`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
