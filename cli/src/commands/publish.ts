/** `pawl publish`: lists a sealed release under the release key and gives it to the server, which checks it all again. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { ManagementClient } from '@pawl/contract/client';
import type { Release } from '@pawl/contract/management';
import { isCodedError, toBase64 } from '@pawl/core/bytes';
import { defineCommand, type Io } from '../frame/command.ts';
import { startProgress } from '../frame/progress.ts';
import { connect } from '../workspace/connection.ts';
import { inFolder, readInput } from '../workspace/files.ts';
import { openSigningKey } from '../workspace/keyring.ts';
import { obtainPassphrase, PASSPHRASE_OPTION } from '../workspace/passphrase.ts';
import { loadReleaseFolder, type ReleaseFolder } from '../workspace/release-folder.ts';
import { listRelease, loadLineKeys } from '../workspace/trust-store.ts';
import { verifyReleaseFolder } from '../workspace/verify-release.ts';
import { lineOf, loadWorkspace, WORKSPACE_OPTION } from '../workspace/workspace.ts';

/** The release with this line and version, page by page. */
async function findRelease(client: ManagementClient, line: string, version: string): Promise<Release | undefined> {
  let cursor: string | undefined;
  do {
    const page = await client.call('listReleases', { query: { line, ...(cursor === undefined ? {} : { cursor }) } });
    const found = page.items.find((item) => item.version === version);
    if (found !== undefined) return found;
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return undefined;
}

/** Announces the release; one that was announced by an earlier try is taken up where that ended. */
async function announce(client: ManagementClient, { dir, release }: ReleaseFolder): Promise<Release> {
  const { line, version, kind, sequenceNumber, securityCounter } = release;
  const statement = toBase64(await readInput(join(dir, release.statement)));
  const artifacts = release.artifacts.map(({ name, sizeBytes, sha256 }) => ({ name, sizeBytes, sha256 }));
  const numbers = { sequenceNumber: sequenceNumber.toString(), securityCounter: securityCounter.toString() };
  try {
    return await client.call('createRelease', { body: { line, version, kind, ...numbers, artifacts, statement } });
  } catch (error) {
    const known =
      isCodedError(error) && error.code === 'RELEASE_EXISTS' ? await findRelease(client, line, version) : undefined;
    if (known === undefined) throw error;
    return known;
  }
}

async function upload(io: Io, client: ManagementClient, { dir }: ReleaseFolder, announced: Release): Promise<void> {
  for (const { name, sizeBytes, isUploaded } of announced.artifacts) {
    if (isUploaded) continue;
    const progress = startProgress(io, `uploading ${name}`, sizeBytes);
    const read = async function* (): AsyncGenerator<Uint8Array> {
      let done = 0;
      for await (const chunk of createReadStream(join(dir, name)) as AsyncIterable<Buffer>) {
        done += chunk.length;
        progress.update(done);
        yield chunk;
      }
    };
    await client.call('putArtifact', { params: { id: announced.id, name }, body: read(), sizeBytes });
    progress.end();
  }
}

export const publish = defineCommand({
  summary: 'list a sealed release and give it to the server',
  about: [
    'Verifies the folder under the image keys of the line, signs its place in the list with the release key, uploads the',
    'artifacts and publishes. Safe to repeat: what an earlier try did is not done again.',
  ],
  positionals: [{ name: 'RELEASE_DIR', summary: 'the folder that "pawl seal" made' }],
  options: { ...PASSPHRASE_OPTION, ...WORKSPACE_OPTION },
  example: 'pawl publish releases/kettle/1.4.0',
  async run({ values, positionals: [folder = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const sealed = await loadReleaseFolder(inFolder(io.cwd, folder));
    const { line, version } = sealed.release;
    lineOf(workspace, line);
    // Nothing gets on the list that devices would refuse.
    await verifyReleaseFolder(sealed.dir, await loadLineKeys(workspace.dir, line));
    const client = await connect(workspace);
    const passphrase = await obtainPassphrase(io, values['passphrase-file']);
    const signer = await openSigningKey(workspace, 'release', passphrase);
    const announced = await announce(client, sealed);
    await upload(io, client, sealed, announced);
    const { bytes } = await listRelease(workspace.dir, sealed.release, { signer, now: io.now() });
    await client.call('putTrust', { body: { lines: { [line]: toBase64(bytes) } } });
    const published =
      announced.state === 'published'
        ? announced
        : await client.call('publishRelease', { params: { id: announced.id }, body: {} });
    return {
      json: published,
      text: [
        `published ${line} ${version} as release ${published.id}`,
        `Next: pawl rollout create NAME --version ${version}`,
      ],
    };
  },
});
