/**
 * Answers of hawkBit's device API (DDI v1). Ids are decimal strings; a link is an absolute URL under `_links`.
 *
 * Members that are optional here are left out, never null: one client reads into a buffer of 1100 bytes.
 */
import { z } from 'zod';

const ddiLink = z.object({ href: z.url() });
export type DdiLink = z.infer<typeof ddiLink>;

const id = z.string().regex(/^[0-9]{1,10}$/);

/** `HH:MM:SS`, always eight characters. */
export const ddiSleep = z.string().regex(/^[0-9]{2}:[0-5][0-9]:[0-5][0-9]$/);

/**
 * The answer to a poll. `trust` and `report` are Pawl's own links, given to devices that enrolled a key; `attest` too, as
 * long as the server wants to know what such a device runs.
 */
export const ddiPoll = z.object({
  config: z.object({ polling: z.object({ sleep: ddiSleep }) }),
  _links: z.object({
    deploymentBase: ddiLink.optional(),
    cancelAction: ddiLink.optional(),
    confirmationBase: ddiLink.optional(),
    installedBase: ddiLink.optional(),
    configData: ddiLink.optional(),
    trust: ddiLink.optional(),
    report: ddiLink.optional(),
    attest: ddiLink.optional(),
  }),
});
export type DdiPoll = z.infer<typeof ddiPoll>;

export const ddiArtifact = z.object({
  filename: z.string(),
  hashes: z.object({ sha1: z.string(), md5: z.string(), sha256: z.string() }),
  size: z.number().int().nonnegative(),
  _links: z.object({
    download: ddiLink.optional(),
    md5sum: ddiLink.optional(),
    'download-http': ddiLink.optional(),
    'md5sum-http': ddiLink.optional(),
  }),
});
export type DdiArtifact = z.infer<typeof ddiArtifact>;

const ddiChunk = z.object({
  part: z.string(),
  version: z.string(),
  name: z.string(),
  encrypted: z.literal(true).optional(),
  artifacts: z.array(ddiArtifact),
  metadata: z.array(z.object({ key: z.string(), value: z.string() })).optional(),
});
export type DdiChunk = z.infer<typeof ddiChunk>;

const ddiDeployment = z.object({
  download: z.enum(['forced', 'attempt', 'skip']),
  update: z.enum(['forced', 'attempt', 'skip']),
  maintenanceWindow: z.enum(['available', 'unavailable']).optional(),
  chunks: z.array(ddiChunk),
});
export type DdiDeployment = z.infer<typeof ddiDeployment>;

const ddiActionHistory = z.object({ status: z.string(), messages: z.array(z.string()) });
export type DdiActionHistory = z.infer<typeof ddiActionHistory>;

export const ddiDeploymentBase = z.object({
  id,
  deployment: ddiDeployment,
  actionHistory: ddiActionHistory.optional(),
});
export type DdiDeploymentBase = z.infer<typeof ddiDeploymentBase>;

export const ddiConfirmationAction = z.object({
  id,
  confirmation: ddiDeployment,
  actionHistory: ddiActionHistory.optional(),
});
export type DdiConfirmationAction = z.infer<typeof ddiConfirmationAction>;

export const ddiConfirmationBase = z.object({
  autoConfirm: z.object({
    active: z.boolean(),
    initiator: z.string().optional(),
    remark: z.string().optional(),
    activatedAt: z.number().int().optional(),
  }),
  _links: z.object({
    activateAutoConfirm: ddiLink.optional(),
    deactivateAutoConfirm: ddiLink.optional(),
    confirmationBase: ddiLink.optional(),
  }),
});
export type DdiConfirmationBase = z.infer<typeof ddiConfirmationBase>;

export const ddiCancelAction = z.object({ id, cancelAction: z.object({ stopId: id }) });
export type DdiCancelAction = z.infer<typeof ddiCancelAction>;

/** Errors of the whole device API. `errorCode` is hawkBit's name where it has one; `code` is Pawl's. */
export const ddiError = z.object({
  exceptionClass: z.string(),
  errorCode: z.string(),
  message: z.string(),
  code: z.string(),
});
export type DdiError = z.infer<typeof ddiError>;
