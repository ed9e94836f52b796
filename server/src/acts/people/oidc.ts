/**
 * Sign-in by an OpenID provider, once it has said who somebody is: the person whose identity it is, or a new one. An
 * identity is (tenant, issuer, subject); an address never makes two people one (OpenID Connect Core §5.7).
 */
import type { Role } from '@pawl/contract/management';
import { findIdentity, insertIdentity } from '../../store/identities.ts';
import { insertPerson } from '../../store/people.ts';
import type { ServerPorts } from '../ports.ts';
import { isFirstAnswer } from './challenge.ts';
import { PeopleError } from './errors.ts';
import { recordPerson } from './record.ts';
import { type Begun, beginSession, type Visit } from './session.ts';

export const OIDC_PURPOSE = 'oidc';

export type Vouched = {
  readonly tenantId: number;
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  readonly email: string | undefined;
  /** Of a new person. */
  readonly roles: readonly Role[];
};

/**
 * Begins a session of whom the provider vouched for; `state` counts once.
 * @throws PeopleError OIDC_REFUSED
 */
export function signInVouched(ports: ServerPorts, vouched: Vouched, state: string, visit: Visit): Promise<Begun> {
  return ports.database.write(async (trx) => {
    if (!(await isFirstAnswer(trx, ports, OIDC_PURPOSE, state))) throw new PeopleError('OIDC_REFUSED', { at: 'state' });
    const known = await findIdentity(trx, vouched);
    if (known !== undefined && known.state !== 'active') throw new PeopleError('OIDC_REFUSED', { at: 'person' });
    if (known !== undefined) return beginSession(trx, ports, known, visit, 'signInOidc');
    const nowMs = ports.now().getTime();
    const person = await insertPerson(trx, {
      tenant_id: vouched.tenantId,
      name: vouched.name,
      email: vouched.email ?? null,
      roles: JSON.stringify(vouched.roles),
      created_ms: nowMs,
    });
    await insertIdentity(trx, vouched, { personId: person.id, nowMs });
    await recordPerson(trx, ports, person, { act: 'created', by: 'oidc' });
    return beginSession(trx, ports, person, visit, 'signInOidc');
  });
}
