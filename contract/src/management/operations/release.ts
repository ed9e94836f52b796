/** Product lines and releases. */
import { z } from 'zod';
import { artifactName, lineName } from '../resources/names.ts';
import { line, newRelease, release } from '../resources/release.ts';
import { byId, cursor, done, id, limit, type OperationTable, page } from './operation.ts';

/** 1 TiB: the largest artifact; sizes are exact to 2^53. */
const ARTIFACT_BYTES_MAX = 2 ** 40;

export const RELEASE_OPERATIONS = {
  putLine: {
    method: 'PUT',
    path: '/api/v1/lines/{line}',
    summary: 'Make or change a product line',
    allow: 'release:write',
    line: 'params.line',
    params: z.strictObject({ line: lineName }),
    body: line.omit({ name: true }),
    response: line,
    errors: [],
  },
  createRelease: {
    method: 'POST',
    path: '/api/v1/releases',
    summary: 'Announce a release and its artifacts',
    allow: 'release:write',
    line: 'body.line',
    body: newRelease,
    response: release,
    errors: ['RELEASE_EXISTS'],
  },
  putArtifact: {
    method: 'PUT',
    path: '/api/v1/releases/{id}/artifacts/{name}',
    summary: 'Upload the bytes of an announced artifact',
    allow: 'release:write',
    line: 'release',
    params: z.strictObject({ id, name: artifactName }),
    body: 'bytes',
    bodyBytesMax: ARTIFACT_BYTES_MAX,
    response: done,
    errors: ['RELEASE_UNKNOWN', 'ARTIFACT_UNKNOWN', 'ARTIFACT_MISMATCH', 'RELEASE_IMMUTABLE', 'STORAGE_FULL'],
  },
  publishRelease: {
    method: 'POST',
    path: '/api/v1/releases/{id}/publish',
    summary: 'Check the signatures of a release and make it available to rollouts; immutable from then on',
    allow: 'release:write',
    line: 'release',
    params: byId,
    body: z.strictObject({}),
    response: release,
    errors: ['RELEASE_UNKNOWN', 'RELEASE_INCOMPLETE', 'RELEASE_UNLISTED', 'RELEASE_DISAGREES', 'RELEASE_UNSIGNED'],
  },
  listReleases: {
    method: 'GET',
    path: '/api/v1/releases',
    summary: 'Releases, newest first',
    allow: 'release:read',
    line: 'query.line',
    query: z.strictObject({ line: lineName.optional(), cursor, limit }),
    response: page(release),
    errors: [],
  },
} as const satisfies OperationTable;
