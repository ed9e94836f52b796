/** The documents of the device API that the agent reads and writes, each checked against the contract. */
import {
  type AttestationChallenge,
  type DdiCancelAction,
  type DdiConfirmationAction,
  type DdiDeploymentBase,
  type DdiPoll,
  DEVICE_OPERATIONS,
} from '@pawl/contract/device';
import { fromUtf8, utf8 } from '@pawl/core/bytes';
import { AgentError } from './errors.ts';
import type { HttpClient } from './http.ts';

const DOCUMENT_BYTES_MAX = 256 * 1024;

type Operation = 'poll' | 'getDeploymentBase' | 'getCancelAction' | 'getConfirmationAction' | 'getAttestationChallenge';
type Documents = {
  readonly poll: DdiPoll;
  readonly getDeploymentBase: DdiDeploymentBase;
  readonly getCancelAction: DdiCancelAction;
  readonly getConfirmationAction: DdiConfirmationAction;
  readonly getAttestationChallenge: AttestationChallenge;
};

/** @throws AgentError AGENT_SERVER_UNREACHABLE, AGENT_SERVER_REFUSED, AGENT_ANSWER_MALFORMED, AGENT_LINK_FOREIGN */
export async function getDocument<Name extends Operation>(
  http: HttpClient,
  operation: Name,
  href: string,
  signal: AbortSignal,
): Promise<Documents[Name]> {
  const { status, body } = await http.request(
    { method: 'GET', url: http.resolve(href), headers: { accept: 'application/json' }, signal },
    DOCUMENT_BYTES_MAX,
  );
  if (status !== 200) throw new AgentError('AGENT_SERVER_REFUSED', { status, at: operation });
  try {
    return DEVICE_OPERATIONS[operation].response.parse(JSON.parse(fromUtf8(body))) as Documents[Name];
  } catch (cause) {
    throw new AgentError('AGENT_ANSWER_MALFORMED', { at: operation }, cause);
  }
}

/** Sends a document; the status is the answer. @throws AgentError AGENT_SERVER_UNREACHABLE, AGENT_SERVER_REFUSED, AGENT_LINK_FOREIGN */
export async function sendDocument(
  http: HttpClient,
  request: {
    readonly method: 'PUT' | 'POST';
    readonly href: string;
    readonly document: object;
    readonly signal: AbortSignal;
  },
): Promise<number> {
  const { method, href, document, signal } = request;
  const { status } = await http.request(
    {
      method,
      url: http.resolve(href),
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: utf8(JSON.stringify(document)),
      signal,
    },
    DOCUMENT_BYTES_MAX,
  );
  // The server has moved on when the action is gone; there is nothing to say about it any more.
  if (status >= 400 && status !== 404 && status !== 409 && status !== 410) {
    throw new AgentError('AGENT_SERVER_REFUSED', { status, at: new URL(http.resolve(href)).pathname });
  }
  return status;
}
