/**
 * A hawkBit update server beside ours, where HAWKBIT_JAR names its executable jar (HAWKBIT_JAVA its Java, else `java`): H2 in
 * memory, on loopback, its limits against floods off and its last-seen times written in batches, which are its quickest
 * settings. Devices are registered through its management API with tokens of their own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryOf } from '../src/stage/processes.ts';
import { nameOf, tokenOf } from './populate.ts';

const BATCH = 500;
const START_S = 180;
const AUTHORIZATION = `Basic ${Buffer.from('admin:admin').toString('base64')}`;

export type HawkBit = { readonly port: number; readonly memoryMib: () => number; end(): Promise<void> };

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function startJar(jar: string, port: number, cwd: string): ChildProcess {
  const settings = {
    'server.port': port,
    'server.address': '127.0.0.1',
    'hawkbit.server.security.dos.filter.enabled': false,
    'hawkbit.server.ddi.security.authentication.targettoken.enabled': true,
    'hawkbit.server.repository.eagerPollPersistence': false,
    'hawkbit.dmf.rabbitmq.enabled': false,
    'logging.level.root': 'ERROR',
  };
  const words = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  return spawn(process.env['HAWKBIT_JAVA'] ?? 'java', ['-jar', jar, ...words], { cwd, stdio: 'ignore' });
}

async function call(port: number, method: string, path: string, body?: unknown): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/rest/v1/${path}`, {
    method,
    headers: { authorization: AUTHORIZATION, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  await answer.arrayBuffer();
  return answer.status;
}

async function untilUp(port: number, child: ChildProcess): Promise<void> {
  for (let second = 0; second < START_S * 2; second += 1) {
    if (child.exitCode !== null) throw new Error(`hawkBit ended with ${child.exitCode}`);
    if ((await call(port, 'GET', 'targets?limit=1').catch(() => 0)) === 200) return;
    await sleep(500);
  }
  throw new Error('hawkBit did not start');
}

/** Starts it with `devices` registered. */
export async function startHawkBit(jar: string, devices: number): Promise<HawkBit> {
  const cwd = mkdtempSync(`${tmpdir()}/pawl-hawkbit-`);
  const port = await freePort();
  const child = startJar(jar, port, cwd);
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  await untilUp(port, child);
  await call(port, 'PUT', 'system/configs/authentication.targettoken.enabled', { value: true });
  for (let at = 0; at < devices; at += BATCH) {
    const targets = Array.from({ length: Math.min(BATCH, devices - at) }, (_, index) => {
      const name = nameOf(at + index);
      return { controllerId: name, name, securityToken: tokenOf(at + index) };
    });
    const status = await call(port, 'POST', 'targets', targets);
    if (status !== 201) throw new Error(`hawkBit answers ${status} to new targets`);
  }
  return {
    port,
    memoryMib: () => memoryOf(child.pid ?? 0).residentMib,
    end: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      kill();
      await ended;
      rmSync(cwd, { recursive: true, force: true });
    },
  };
}
