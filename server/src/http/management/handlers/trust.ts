/** Handlers of the signed metadata. */
import { putTrust, trustStatus } from '../../../acts/trust.ts';
import { type Handlers } from './handler.ts';

export const TRUST_HANDLERS: Pick<Handlers, 'getTrust' | 'putTrust'> = {
  getTrust: ({ actor }, ports) => trustStatus(ports.database.read, ports, actor.tenantId),
  putTrust: ({ actor, body }, ports) => putTrust(ports, actor.tenantId, body),
};
