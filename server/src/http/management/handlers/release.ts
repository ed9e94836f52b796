/** Handlers of product lines and releases. */
import { assertOwnCertificate } from '../../../acts/certificate.ts';
import { createRelease, publishRelease, putArtifact } from '../../../acts/release.ts';
import { listArtifacts, queryReleases, releaseView, saveLine } from '../../../store/releases.ts';
import { readCursor } from '../cursor.ts';
import { DONE, type Handlers, PAGE, pageOf } from './handler.ts';

export const RELEASE_HANDLERS: Pick<
  Handlers,
  'putLine' | 'createRelease' | 'putArtifact' | 'publishRelease' | 'listReleases'
> = {
  putLine: async ({ actor, params, body }, { database }) => {
    const line = { name: params.line, certificatesPem: body.certificatesPem };
    for (const pem of body.certificatesPem) assertOwnCertificate(pem);
    await database.write((trx) => saveLine(trx, actor.tenantId, line));
    return line;
  },
  createRelease: ({ actor, body }, ports) => createRelease(ports, actor.tenantId, body),
  putArtifact: async ({ actor, params, body }, ports) => {
    await putArtifact(ports, actor.tenantId, params, body);
    return DONE;
  },
  publishRelease: ({ actor, params }, ports) => publishRelease(ports, actor.tenantId, params.id),
  listReleases: async ({ actor, query }, { database }) => {
    const limit = query.limit ?? PAGE;
    const rows = await queryReleases(database.read, {
      tenantId: actor.tenantId,
      line: query.line,
      beforeId: readCursor(query.cursor),
      limit: limit + 1,
    });
    const views = [];
    for (const row of rows) views.push(releaseView(row, await listArtifacts(database.read, row.id)));
    return pageOf(views, limit, (release) => String(release.id));
  },
};
