/**
 * Introduction: the device shows its own key, signs what it says of itself, and asks again until it is let in. Its token it
 * makes itself and keeps before it asks, so that no answer can be lost.
 */
import { randomBytes } from 'node:crypto';
import { type IntroductionResponse, introductionResponse, introductionText } from '@pawl/contract/device';
import { fromUtf8, toBase64, toHex, utf8 } from '@pawl/core/bytes';
import { keyIdOf } from '@pawl/core/cose';
import { sha256 } from '@pawl/core/crypto';
import { BackOff, jitteredMs } from './back-off.ts';
import { type AgentConfig, type Introduction, loadConfig, saveConfig } from './config.ts';
import type { Disk } from './disk.ts';
import { problemCode } from './enrol.ts';
import { AgentError } from './errors.ts';
import { HttpClient } from './http.ts';
import { adoptDeviceKey, loadOrMakeDeviceKey } from './identity.ts';
import type { AgentPorts } from './ports.ts';
import { type StateFolder, stateFolder } from './state-folder.ts';
import { loadTlsMaterial } from './tls-material.ts';

export type IntroduceOptions = {
  readonly stateDir: string;
  /** A name that the device asks for, and what it says of itself. */
  readonly name?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  /** PEM files of its manufacturer: the certificate, and the key of it, which becomes the device's own. */
  readonly certificate?: string;
  readonly key?: string;
};

/** `keyId` is the fingerprint that the operator sees; `controllerId` the name when the device is in. */
export type Introduced = { readonly keyId: string; readonly controllerId?: string; readonly askAgainS: number };

const ANSWER_BYTES_MAX = 16 * 1024;
const BACK_OFF = { firstMs: 1000, maxMs: 300_000 } as const;
const RETRIED: ReadonlySet<string> = new Set([
  'AGENT_SERVER_UNREACHABLE',
  'AGENT_SERVER_REFUSED',
  'AGENT_ANSWER_MALFORMED',
]);
/** What a later try may not meet. */
const TRANSIENT: ReadonlySet<number> = new Set([429, 500, 502, 503, 504, 507]);

async function readFile(disk: Disk, path: string): Promise<Uint8Array> {
  const bytes = await disk.read(path);
  if (bytes === undefined)
    throw new AgentError('AGENT_CONFIG_INVALID', { at: 'introduction', expected: 'a file', path });
  return bytes;
}

function parseAnswer(body: Uint8Array): IntroductionResponse {
  try {
    return introductionResponse.parse(JSON.parse(fromUtf8(body)));
  } catch (cause) {
    throw new AgentError('AGENT_ANSWER_MALFORMED', { at: 'introduce' }, cause);
  }
}

async function bodyOf(config: AgentConfig, folder: StateFolder, disk: Disk): Promise<{ body: string; keyId: string }> {
  const { introduction = {}, token = '', tenant } = config;
  const key = await loadOrMakeDeviceKey(disk, folder.deviceKey);
  const { certificate, ...said } = introduction;
  const publicKey = key.publicKey.toSpkiPem();
  const all = {
    ...said,
    publicKey,
    tokenSha256: toHex(sha256(utf8(token))),
    ...(certificate === undefined ? {} : { certificate: fromUtf8(await readFile(disk, certificate)) }),
  };
  const proof = toBase64(await key.sign(utf8(introductionText(tenant, all))));
  return { body: JSON.stringify({ ...all, proof }), keyId: keyIdOf(key.publicKey) };
}

/** Asks once. */
async function ask(folder: StateFolder, { disk, clock }: Pick<AgentPorts, 'disk' | 'clock'>): Promise<Introduced> {
  const config = await loadConfig(disk, folder.config);
  const { body, keyId } = await bodyOf(config, folder, disk);
  const tls = await loadTlsMaterial(config, { disk, now: clock.now() });
  const http = new HttpClient({ origin: config.server, ...(tls === undefined ? {} : { tls }) });
  try {
    const url = http.resolve(`/${config.tenant}/pawl/v1/introduce`);
    const headers = { 'content-type': 'application/json', accept: 'application/json' };
    const answer = await http.request({ method: 'POST', url, headers, body: utf8(body) }, ANSWER_BYTES_MAX);
    if (TRANSIENT.has(answer.status)) throw new AgentError('AGENT_SERVER_REFUSED', { status: answer.status });
    if (answer.status !== 200) {
      throw new AgentError('AGENT_ENROLMENT_REFUSED', { status: answer.status, reason: problemCode(answer.body) });
    }
    const said = parseAnswer(answer.body);
    if (said.state === 'pending') return { keyId, askAgainS: said.askAgainS };
    await saveConfig(disk, folder.config, { ...config, controllerId: said.controllerId });
    return { keyId, controllerId: said.controllerId, askAgainS: said.pollIntervalS };
  } finally {
    http.close();
  }
}

/**
 * Introduces the device once; `runAgent` goes on with it.
 * @throws AgentError AGENT_STATE_MISSING, AGENT_CONFIG_INVALID, AGENT_IDENTITY_INVALID, AGENT_ENROLMENT_REFUSED,
 *   AGENT_SERVER_UNREACHABLE, AGENT_SERVER_REFUSED, AGENT_ANSWER_MALFORMED, AGENT_STATE_READ_ONLY
 */
export async function introduceAgent(
  options: IntroduceOptions,
  ports: Pick<AgentPorts, 'disk' | 'clock'>,
): Promise<Introduced> {
  const { stateDir, key, ...rest } = options;
  const folder = stateFolder(stateDir);
  const config = await loadConfig(ports.disk, folder.config);
  if (key !== undefined) await adoptDeviceKey(ports.disk, folder.deviceKey, await readFile(ports.disk, key), key);
  const introduction: Introduction = rest;
  const token = config.token ?? randomBytes(32).toString('base64url');
  await saveConfig(ports.disk, folder.config, { ...config, introduction, token });
  return await ask(folder, ports);
}

/**
 * Asks until the device is in, or the signal fires.
 * @throws AgentError AGENT_ENROLMENT_REFUSED, and what the state folder may
 */
export async function awaitAdmission(
  { stateDir, pollIntervalS }: { readonly stateDir: string; readonly pollIntervalS?: number },
  { disk, clock, emit, signal }: AgentPorts,
): Promise<void> {
  const backOff = new BackOff(BACK_OFF, clock.random);
  const pending = new AgentError('AGENT_INTRODUCTION_PENDING');
  while (!signal.aborted) {
    let nextInMs: number;
    try {
      const { controllerId, askAgainS } = await ask(stateFolder(stateDir), { disk, clock });
      if (controllerId !== undefined) return;
      nextInMs = jitteredMs((pollIntervalS ?? askAgainS) * 1000, clock.random);
      emit({ event: 'waiting', code: pending.code, message: pending.message, nextInMs });
    } catch (error) {
      const isTransient = error instanceof AgentError && RETRIED.has(error.code);
      if (!isTransient) throw error;
      nextInMs = backOff.nextMs();
      emit({ event: 'unreachable', code: error.code, message: error.message, nextInMs });
    }
    await clock.sleep(nextInMs, signal);
  }
}
