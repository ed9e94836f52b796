/**
 * Passkeys (WebAuthn Level 3 §7.1, §7.2): a credential of this site, made and used with user verification, whose counter
 * only rises. Attestation is not asked for: any authenticator may come, as long as it knows its person.
 */
import { createHash } from 'node:crypto';
import type { Assertion, CreationOptions, NewCredential, RequestOptions } from '@pawl/contract/management';
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server';
import { CHALLENGE_VALID_MS } from '../../domain/challenge.ts';
import { parseList } from '../../store/access.ts';
import type { Db, Trx } from '../../store/database.ts';
import { findPasskey, insertPasskey, listPasskeys, notePasskeyUse, type PasskeyTable } from '../../store/passkeys.ts';
import type { ServerPorts, Site } from '../ports.ts';
import { challengeFor, isFirstAnswer } from './challenge.ts';
import { PeopleError } from './errors.ts';

/** RFC 9053, in the order in which they are liked: EdDSA, ES256, RS256 (older Windows). */
const ALGORITHMS = [-8, -7, -257];
const RP_NAME = 'Pawl';

/** @throws PeopleError SITE_UNNAMED */
function mustSite(ports: ServerPorts): Site {
  const site = ports.site();
  if (site === undefined) throw new PeopleError('SITE_UNNAMED');
  return site;
}

/** What an authenticator keeps as the account; this server's and this person's alone, and tells nobody whose it is. */
function userHandleOf(ports: ServerPorts, account: string): string {
  return createHash('sha256').update(`${ports.ledgerOrigin}\0${account}`).digest('base64url');
}

/** Takes a challenge once: the first right answer counts. */
async function spend(trx: Trx, ports: ServerPorts, purpose: string, challenge: string): Promise<void> {
  if (await isFirstAnswer(trx, ports, purpose, challenge)) return;
  throw new PeopleError('PASSKEY_REFUSED', { at: 'challenge' });
}

type Account = { readonly account: string; readonly name: string; readonly personId: number | undefined };

/** @throws PeopleError SITE_UNNAMED */
export async function creationOptionsFor(
  db: Db,
  ports: ServerPorts,
  purpose: string,
  { account, name, personId }: Account,
): Promise<CreationOptions> {
  const { rpId } = mustSite(ports);
  const known = personId === undefined ? [] : await listPasskeys(db, personId);
  return {
    challenge: challengeFor(ports, purpose),
    rp: { id: rpId, name: RP_NAME },
    user: { id: userHandleOf(ports, account), name, displayName: name },
    pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
    timeout: CHALLENGE_VALID_MS,
    attestation: 'none',
    authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
    excludeCredentials: known.map(({ credential_id: id, transports }) => ({
      type: 'public-key',
      id,
      transports: parseList(transports),
    })),
  };
}

/** @throws PeopleError SITE_UNNAMED */
export function requestOptionsFor(ports: ServerPorts, purpose: string): RequestOptions {
  const { rpId } = mustSite(ports);
  return { challenge: challengeFor(ports, purpose), rpId, timeout: CHALLENGE_VALID_MS, userVerification: 'required' };
}

type ClientData = { readonly challenge: string; readonly crossOrigin: boolean };

function clientDataOf(encoded: string): ClientData {
  try {
    const value = JSON.parse(Buffer.from(encoded, 'base64url').toString()) as Record<string, unknown>;
    const challenge = value['challenge'];
    if (typeof challenge === 'string') return { challenge, crossOrigin: value['crossOrigin'] === true };
  } catch {
    // Below.
  }
  throw new PeopleError('PASSKEY_REFUSED', { at: 'clientDataJSON' });
}

/** Whatever the library finds wrong is one refusal; what it was stands in the log. */
async function refusing<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    throw new PeopleError('PASSKEY_REFUSED', { reason: cause instanceof Error ? cause.message : '' }, cause);
  }
}

/**
 * Registers the credential that a browser made.
 * @throws PeopleError PASSKEY_REFUSED, SITE_UNNAMED
 */
export async function registerPasskey(
  trx: Trx,
  ports: ServerPorts,
  purpose: string,
  input: {
    readonly personId: number;
    readonly account: string;
    readonly label: string;
    readonly credential: NewCredential;
  },
): Promise<PasskeyTable> {
  const { origin, rpId } = mustSite(ports);
  const { clientDataJSON, attestationObject, transports = [] } = input.credential.response;
  const { challenge, crossOrigin } = clientDataOf(clientDataJSON);
  // WebAuthn §7.1 step 10: inside a frame of another site nobody registers.
  if (crossOrigin) throw new PeopleError('PASSKEY_REFUSED', { at: 'crossOrigin' });
  const { id, rawId, type } = input.credential;
  const response = { id, rawId, type, clientExtensionResults: {}, response: { clientDataJSON, attestationObject } };
  const result = await refusing(() =>
    verifyRegistrationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    }),
  );
  if (!result.verified || result.registrationInfo.credential.id !== id) throw new PeopleError('PASSKEY_REFUSED');
  await spend(trx, ports, purpose, challenge);
  const { credential, credentialBackedUp } = result.registrationInfo;
  const row = await insertPasskey(trx, {
    credential_id: credential.id,
    person_id: input.personId,
    user_handle: userHandleOf(ports, input.account),
    public_key: new Uint8Array(credential.publicKey),
    counter: credential.counter,
    is_backed_up: credentialBackedUp ? 1 : 0,
    transports: JSON.stringify(transports),
    label: input.label,
    created_ms: ports.now().getTime(),
  });
  // WebAuthn §7.1 step 26: a credential that somebody has is nobody else's.
  if (row === undefined) throw new PeopleError('PASSKEY_REFUSED', { at: 'credential id' });
  return row;
}

/**
 * Verifies an assertion over a challenge, and notes that the passkey was used.
 * @throws PeopleError PASSKEY_REFUSED, SITE_UNNAMED
 */
export async function verifyAssertion(
  trx: Trx,
  ports: ServerPorts,
  assertion: Assertion,
  challenge: string,
): Promise<PasskeyTable> {
  const { origin, rpId } = mustSite(ports);
  const row = await findPasskey(trx, assertion.id);
  if (row === undefined) throw new PeopleError('PASSKEY_REFUSED', { at: 'id' });
  const { clientDataJSON, authenticatorData, signature, userHandle } = assertion.response;
  // WebAuthn §7.2 step 6: the account that the authenticator names is the one that has the credential.
  if (typeof userHandle === 'string' && userHandle !== row.user_handle) {
    throw new PeopleError('PASSKEY_REFUSED', { at: 'userHandle' });
  }
  if (clientDataOf(clientDataJSON).crossOrigin) throw new PeopleError('PASSKEY_REFUSED', { at: 'crossOrigin' });
  const { id, rawId, type } = assertion;
  const response = { clientDataJSON, authenticatorData, signature };
  const { verified, authenticationInfo } = await refusing(() =>
    verifyAuthenticationResponse({
      response: { id, rawId, type, clientExtensionResults: {}, response },
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: rpId,
      credential: { id: row.credential_id, publicKey: new Uint8Array(row.public_key), counter: row.counter },
      requireUserVerification: true,
    }),
  );
  if (!verified) throw new PeopleError('PASSKEY_REFUSED', { at: 'signature' });
  await notePasskeyUse(trx, row.credential_id, {
    counter: authenticationInfo.newCounter,
    nowMs: ports.now().getTime(),
  });
  return row;
}

/**
 * Verifies an assertion over a challenge of ours, once.
 * @throws PeopleError PASSKEY_REFUSED, SITE_UNNAMED
 */
export async function takeAssertion(
  trx: Trx,
  ports: ServerPorts,
  purpose: string,
  assertion: Assertion,
): Promise<PasskeyTable> {
  const { challenge } = clientDataOf(assertion.response.clientDataJSON);
  const row = await verifyAssertion(trx, ports, assertion, challenge);
  await spend(trx, ports, purpose, challenge);
  return row;
}
