/**
 * Enrolment: makes the device's own key, proves its possession together with a one-time claim, and stores the token that
 * the server gives for it. After a cut it may be tried again with the same claim and key.
 */
import { type EnrolResponse, enrolProofText, enrolResponse } from '@pawl/contract/device';
import { fromUtf8, isCodedError, toBase64, utf8 } from '@pawl/core/bytes';
import { loadConfig, saveConfig } from './config.ts';
import { AgentError } from './errors.ts';
import { HttpClient } from './http.ts';
import { loadOrMakeDeviceKey } from './identity.ts';
import type { AgentPorts } from './ports.ts';
import { stateFolder } from './state-folder.ts';
import { loadTlsMaterial } from './tls-material.ts';

export type EnrolOptions = {
  readonly stateDir: string;
  /** The one-time claim, from `pawl device claim`. */
  readonly claim: string;
  /** A name that the device asks for; the server gives one when it is left out. */
  readonly name?: string;
};
export type Enrolled = { readonly controllerId: string; readonly pollIntervalS: number };

const ANSWER_BYTES_MAX = 16 * 1024;

function parseAnswer(body: Uint8Array): EnrolResponse {
  try {
    return enrolResponse.parse(JSON.parse(fromUtf8(body)));
  } catch {
    // Without the cause: the answer may hold the token.
    throw new AgentError('AGENT_ANSWER_MALFORMED', { at: 'enrol' });
  }
}

/** The server's own code of a problem, when it says one. */
export function problemCode(body: Uint8Array): string | undefined {
  try {
    const value = JSON.parse(fromUtf8(body)) as { code?: unknown } | null;
    return typeof value?.code === 'string' ? value.code : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || isCodedError(error)) return undefined;
    throw error;
  }
}

/**
 * Enrols the device at the server of its configuration.
 * @throws AgentError AGENT_STATE_MISSING, AGENT_CONFIG_INVALID, AGENT_IDENTITY_INVALID, AGENT_ENROLMENT_REFUSED,
 *   AGENT_SERVER_UNREACHABLE, AGENT_ANSWER_MALFORMED, AGENT_STATE_READ_ONLY
 */
export async function enrolAgent(options: EnrolOptions, ports: Pick<AgentPorts, 'disk' | 'clock'>): Promise<Enrolled> {
  const { disk, clock } = ports;
  const folder = stateFolder(options.stateDir);
  const config = await loadConfig(disk, folder.config);
  const key = await loadOrMakeDeviceKey(disk, folder.deviceKey);
  const publicKey = key.publicKey.toSpkiPem();
  const proof = toBase64(await key.sign(utf8(enrolProofText(options.claim, publicKey))));
  const name = options.name === undefined ? {} : { name: options.name };
  const tls = await loadTlsMaterial(config, { disk, now: clock.now() });
  const http = new HttpClient({ origin: config.server, ...(tls === undefined ? {} : { tls }) });
  try {
    const { status, body } = await http.request(
      {
        method: 'POST',
        url: http.resolve(`/${config.tenant}/pawl/v1/enrol`),
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: utf8(JSON.stringify({ claim: options.claim, ...name, publicKey, proof })),
      },
      ANSWER_BYTES_MAX,
    );
    if (status !== 200 && status !== 201) {
      throw new AgentError('AGENT_ENROLMENT_REFUSED', { status, reason: problemCode(body) });
    }
    const { controllerId, token, pollIntervalS } = parseAnswer(body);
    await saveConfig(disk, folder.config, { ...config, controllerId, token });
    return { controllerId, pollIntervalS };
  } finally {
    http.close();
  }
}
