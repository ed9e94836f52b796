/** Handlers of reports by CRA Article 14. */
import {
  changeIncident,
  closeIncident,
  incidentView,
  openIncident,
  recordSubmission,
  showDossier,
  showIncident,
} from '../../../acts/vulnerability/incident.ts';
import { queryIncidents } from '../../../store/incidents.ts';
import { readCursor } from '../cursor.ts';
import { type Handlers, PAGE, pageOf } from './handler.ts';

export const INCIDENT_HANDLERS: Pick<
  Handlers,
  | 'openIncident'
  | 'listIncidents'
  | 'getIncident'
  | 'changeIncident'
  | 'getDossier'
  | 'recordSubmission'
  | 'closeIncident'
> = {
  openIncident: ({ actor, body }, ports) => openIncident(ports, actor, body),
  listIncidents: async ({ actor, query }, { database, now }) => {
    const limit = query.limit ?? PAGE;
    const rows = await queryIncidents(database.read, {
      tenantId: actor.tenantId,
      isDrill: query.drills === 'true',
      beforeId: readCursor(query.cursor),
      limit: limit + 1,
    });
    const views = [];
    for (const row of rows) views.push(await incidentView(database.read, row, now()));
    return pageOf(views, limit, ({ id }) => String(id));
  },
  getIncident: ({ actor, params }, { database, now }) => showIncident(database.read, actor.tenantId, params.id, now()),
  changeIncident: ({ actor, params, body }, ports) => changeIncident(ports, actor, params.id, body),
  getDossier: ({ actor, params, query }, { database }) =>
    showDossier(database.read, actor.tenantId, params.id, query.stage),
  recordSubmission: ({ actor, params, body }, ports) => recordSubmission(ports, actor, params.id, body),
  closeIncident: ({ actor, params }, ports) => closeIncident(ports, actor, params.id),
};
