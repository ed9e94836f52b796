/** Handlers of certificate authorities of devices. */
import { addAuthority, barCertificate, removeAuthority } from '../../../acts/enrolment/authority.ts';
import { authorityView, listOpenAuthorities } from '../../../store/authorities.ts';
import { DONE, type Handlers } from './handler.ts';

export const AUTHORITY_HANDLERS: Pick<
  Handlers,
  'listAuthorities' | 'addAuthority' | 'removeAuthority' | 'barCertificate'
> = {
  listAuthorities: async ({ actor }, { database }) => {
    const rows = await listOpenAuthorities(database.read, actor.tenantId);
    return { items: await Promise.all(rows.map((row) => authorityView(database.read, row))) };
  },
  addAuthority: ({ actor, body }, ports) => addAuthority(ports, actor, body),
  removeAuthority: async ({ actor, params }, ports) => {
    await removeAuthority(ports, actor, params.id);
    return DONE;
  },
  barCertificate: ({ actor, params, body }, ports) => barCertificate(ports, actor, params.id, body.serialNumber),
};
