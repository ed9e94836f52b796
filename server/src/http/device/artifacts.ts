/** The files of a release: the list, the bytes whole or by Range, and the `.MD5SUM` file of each. */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { utf8 } from '@pawl/core/bytes';
import type { BlobStore } from '../../blobs/blob-store.ts';
import { noteDownload } from './action-feedback.ts';
import { loadReleaseOf } from './action-reads.ts';
import type { Answer, Headers } from './answer.ts';
import { type ArtifactView, artifactDocument } from './documents.ts';
import { DeviceApiError } from './errors.ts';
import { parseFileName, parseId } from './parameters.ts';
import { type DownloadPlan, decideDownload, type RangeHeaders, type Segment } from './range.ts';
import type { Handler } from './request.ts';

const MD5SUM = '.MD5SUM';

export const listArtifacts: Handler<'listArtifacts'> = async ({ device, params, links }, ports) => {
  const release = await loadReleaseOf(ports.database.read, device, parseId('moduleId', params['moduleId']));
  const document = release.artifacts.map((artifact) => artifactDocument(release.id, artifact, links, true));
  return { kind: 'document', document };
};

function rangeHeadersOf(headers: Readonly<Record<string, string | string[] | undefined>>): RangeHeaders {
  const one = (name: string): string | undefined => {
    const value = headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  };
  return {
    range: one('range'),
    ifRange: one('if-range'),
    ifMatch: one('if-match'),
    ifNoneMatch: one('if-none-match'),
  };
}

function planOf(
  artifact: ArtifactView,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): DownloadPlan {
  const lastModified = new Date(Math.floor(artifact.createdAt.getTime() / 1000) * 1000);
  const file = { sizeBytes: artifact.sizeBytes, etag: artifact.sha1, lastModified };
  return decideDownload(rangeHeadersOf(headers), file, randomUUID());
}

async function* bytesOf(segments: readonly Segment[], sha256: string, blobs: BlobStore): AsyncGenerator<Uint8Array> {
  for (const segment of segments) {
    if ('bytes' in segment) yield segment.bytes;
    else yield* blobs.open(sha256, segment);
  }
}

function openSegments(segments: readonly Segment[], sha256: string, blobs: BlobStore): Readable {
  const [only] = segments;
  if (segments.length === 1 && only !== undefined && !('bytes' in only)) return blobs.open(sha256, only);
  return Readable.from(bytesOf(segments, sha256, blobs), { objectMode: false });
}

type DownloadAnswer = Extract<Answer, { readonly kind: 'stream' | 'empty' }>;

function answerOf(plan: DownloadPlan, artifact: ArtifactView, blobs: BlobStore): DownloadAnswer {
  const headers: Headers = {
    'accept-ranges': 'bytes',
    etag: `"${artifact.sha1}"`,
    'last-modified': artifact.createdAt.toUTCString(),
  };
  switch (plan.status) {
    case 304:
      return { kind: 'empty', status: 304, headers };
    case 412:
      throw new DeviceApiError('DEVICE_PRECONDITION_FAILED');
    case 416:
      throw new DeviceApiError('DEVICE_RANGE_NOT_SATISFIABLE', { contentRange: plan.contentRange });
    case 200:
    case 206:
      return {
        kind: 'stream',
        status: plan.status,
        sizeBytes: plan.sizeBytes,
        headers: {
          ...headers,
          'content-type': plan.contentType,
          // Names are by grammar: nothing in them needs quoting.
          'content-disposition': `attachment;filename=${artifact.fileName}`,
          ...(plan.contentRange === undefined ? {} : { 'content-range': plan.contentRange }),
        },
        open: () => openSegments(plan.segments, artifact.sha256, blobs),
      };
  }
}

/** The answer to a download without conditions on who asks. @throws DeviceApiError DEVICE_RANGE_NOT_SATISFIABLE, DEVICE_PRECONDITION_FAILED */
export function downloadOf(
  artifact: ArtifactView,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  blobs: BlobStore,
): DownloadAnswer {
  return answerOf(planOf(artifact, headers), artifact, blobs);
}

/**
 * Sends a device to the object store. The answer's own conditions and range are then the store's to judge, by its own
 * entity tags. Pawl's agent holds to the one host that it was told, and is never sent away.
 */
async function sendAway(
  { sha256 }: ArtifactView,
  { isPawl, method }: { readonly isPawl: boolean; readonly method: string },
  blobs: BlobStore,
): Promise<Answer | undefined> {
  const link = isPawl ? undefined : await blobs.link(sha256, method === 'HEAD' ? 'HEAD' : 'GET');
  if (link === undefined) return undefined;
  return { kind: 'elsewhere', href: link.href };
}

export const getArtifact: Handler<'getArtifact'> = async ({ device, params, headers, method }, ports) => {
  const moduleId = parseId('moduleId', params['moduleId']);
  const fileName = parseFileName(params['fileName']);
  const release = await loadReleaseOf(ports.database.read, device, moduleId);
  const find = (name: string): ArtifactView | undefined => release.artifacts.find((item) => item.fileName === name);
  const artifact = find(fileName);
  if (artifact !== undefined) {
    const plan = planOf(artifact, headers);
    if (plan.status === 200 && method === 'GET') await noteDownload(device, moduleId, ports);
    const isPawl = device.publicKeyPem !== undefined;
    return (await sendAway(artifact, { isPawl, method }, ports.blobs)) ?? answerOf(plan, artifact, ports.blobs);
  }
  const summed = fileName.endsWith(MD5SUM) ? find(fileName.slice(0, -MD5SUM.length)) : undefined;
  if (summed === undefined) throw new DeviceApiError('DEVICE_NOT_FOUND', { at: 'fileName', actual: fileName });
  // The format of md5sum(1): two spaces.
  const line = utf8(`${summed.md5}  ${summed.fileName}`);
  const disposition = { 'content-disposition': `attachment;filename=${fileName}` };
  return { kind: 'bytes', contentType: 'text/plain', bytes: line, headers: disposition };
};
