/** Reports by CRA Article 14: clocks, dossier, and the record of what was sent. People submit; nothing is sent from here. */
import { z } from 'zod';
import { dossier, incident, incidentChange, newIncident, newSubmission, REPORT_STAGES } from '../resources/incident.ts';
import { byId, cursor, limit, type OperationTable, page } from './operation.ts';

export const INCIDENT_OPERATIONS = {
  openIncident: {
    method: 'POST',
    path: '/api/v1/incidents',
    summary: 'Start the clocks of a report to the authorities, or of a drill',
    allow: 'vulnerability:write',
    body: newIncident,
    response: incident,
    errors: ['VULNERABILITY_UNKNOWN', 'REPORTING_ORDER'],
  },
  listIncidents: {
    method: 'GET',
    path: '/api/v1/incidents',
    summary: 'Reports to the authorities, newest first; drills only when they are asked for, and then nothing else',
    allow: 'vulnerability:read',
    query: z.strictObject({ drills: z.literal('true').optional(), cursor, limit }),
    response: page(incident),
    errors: [],
  },
  getIncident: {
    method: 'GET',
    path: '/api/v1/incidents/{id}',
    summary: 'One report with its clocks, and what was sent',
    allow: 'vulnerability:read',
    params: byId,
    response: incident,
    errors: ['INCIDENT_UNKNOWN'],
  },
  changeIncident: {
    method: 'PATCH',
    path: '/api/v1/incidents/{id}',
    summary: 'Record when the measure was available and when users were informed; fill fields of the form',
    allow: 'vulnerability:write',
    params: byId,
    body: incidentChange,
    response: incident,
    errors: ['INCIDENT_UNKNOWN', 'INCIDENT_CLOSED', 'REPORTING_ORDER', 'REPORTING_FIELD_INVALID'],
  },
  getDossier: {
    method: 'GET',
    path: '/api/v1/incidents/{id}/dossier',
    summary: "The platform's form in its order, filled as far as it is known: for a stage, or the one that is next",
    allow: 'vulnerability:read',
    params: byId,
    query: z.strictObject({ stage: z.enum(REPORT_STAGES).optional() }),
    response: dossier,
    errors: ['INCIDENT_UNKNOWN'],
  },
  recordSubmission: {
    method: 'POST',
    path: '/api/v1/incidents/{id}/submissions',
    summary: 'Record what a person sent: this stops a clock, and nothing else does',
    allow: 'vulnerability:write',
    params: byId,
    body: newSubmission,
    response: incident,
    errors: ['INCIDENT_UNKNOWN', 'INCIDENT_CLOSED', 'REPORTING_ORDER'],
  },
  closeIncident: {
    method: 'POST',
    path: '/api/v1/incidents/{id}/close',
    summary: 'Close a report of which everything was sent and recorded',
    allow: 'vulnerability:write',
    params: byId,
    body: z.strictObject({}),
    response: incident,
    errors: ['INCIDENT_UNKNOWN', 'INCIDENT_CLOSED', 'REPORTING_CLOCK_OPEN'],
  },
} as const satisfies OperationTable;
