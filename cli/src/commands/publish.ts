/** `pawl publish`: gives a release to the server, which checks it all again; a sealed one is listed under the release key. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ManagementClient } from '@pawl/contract/client';
import type { NewRelease, Release } from '@pawl/contract/management';
import { isCodedError, toBase64 } from '@pawl/core/bytes';
import { defineCommand, type Io, type Outcome } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { startProgress } from '../frame/progress.ts';
import { connect } from '../workspace/connection.ts';
import { inFolder, readInput, readText } from '../workspace/files.ts';
import { openSigningKey } from '../workspace/keyring.ts';
import { obtainPassphrase, PASSPHRASE_OPTION } from '../workspace/passphrase.ts';
import { ADVICE_OPTIONS, adviceOf, parseAdvice, type ReleaseAdvice } from '../workspace/release-advice.ts';
import { loadReleaseFolder, measureFile, type ReleaseFolder } from '../workspace/release-folder.ts';
import { draftListing, listRelease, loadLineKeys } from '../workspace/trust-store.ts';
import { verifyReleaseFolder } from '../workspace/verify-release.ts';
import {
  chooseLine,
  lineOf,
  loadWorkspace,
  parseVersion,
  WORKSPACE_OPTION,
  type Workspace,
} from '../workspace/workspace.ts';

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

/** Announces a release; one that was announced by an earlier try is taken up where that ended. */
async function announce(client: ManagementClient, body: NewRelease): Promise<Release> {
  try {
    return await client.call('createRelease', { body });
  } catch (error) {
    const isKnown = isCodedError(error) && error.code === 'RELEASE_EXISTS';
    const known = isKnown ? await findRelease(client, body.line, body.version) : undefined;
    if (known === undefined) throw error;
    return known;
  }
}

async function describeSealed({ dir, release }: ReleaseFolder): Promise<NewRelease> {
  const { line, version, kind, sequenceNumber, securityCounter } = release;
  return {
    line,
    version,
    kind,
    sequenceNumber: sequenceNumber.toString(),
    securityCounter: securityCounter.toString(),
    artifacts: release.artifacts.map(({ name, sizeBytes, sha256 }) => ({ name, sizeBytes, sha256 })),
    statement: toBase64(await readInput(join(dir, release.statement))),
    ...adviceOf({ ...release }),
  };
}

async function upload(io: Io, client: ManagementClient, dir: string, announced: Release): Promise<void> {
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

/** The bill of materials goes in before the release is out: no time in which devices run what nobody can look up. */
async function finish(client: ManagementClient, announced: Release, sbom: Uint8Array | undefined): Promise<Outcome> {
  const { line, version, id, state } = announced;
  if (sbom !== undefined) await client.call('putSbom', { params: { id }, body: sbom, sizeBytes: sbom.length });
  const published =
    state === 'published' ? announced : await client.call('publishRelease', { params: { id }, body: {} });
  return {
    json: published,
    text: [`published ${line} ${version} as release ${id}`, `Next: pawl rollout create NAME --version ${version}`],
  };
}

type Job = {
  readonly io: Io;
  readonly workspace: Workspace;
  readonly path: string;
  readonly sbom: Uint8Array | undefined;
};

async function publishSealed({ io, workspace, path, sbom }: Job, passphraseFile: string | undefined): Promise<Outcome> {
  const sealed = await loadReleaseFolder(path);
  const { line } = sealed.release;
  lineOf(workspace, line);
  // Nothing gets on the list that devices would refuse.
  await verifyReleaseFolder(sealed.dir, await loadLineKeys(workspace.dir, line));
  const client = await connect(workspace);
  const { next, current } = await draftListing(workspace.dir, sealed.release, io.now());
  // Listed already, by an earlier try or by several people: then no key is needed.
  const signer =
    next === undefined
      ? undefined
      : await openSigningKey(workspace, 'release', await obtainPassphrase(io, passphraseFile));
  const announced = await announce(client, await describeSealed(sealed));
  await upload(io, client, sealed.dir, announced);
  const listed = signer && (await listRelease(workspace.dir, sealed.release, { signer, now: io.now() }));
  const bytes = listed?.bytes ?? current;
  await client.call('putTrust', { body: { lines: { [line]: toBase64(bytes) } } });
  return finish(client, announced, sbom);
}

type ForeignOptions = {
  readonly line: string;
  readonly version: string | undefined;
  readonly certificates: readonly string[];
  readonly advice: ReleaseAdvice;
};

/** An image of SWUpdate, RAUC, Mender or MCUboot, signed by its own means; the server checks that under the keys of the line. */
async function publishForeign({ io, workspace, path, sbom }: Job, options: ForeignOptions): Promise<Outcome> {
  const { line, version, advice } = options;
  if (version === undefined) throw new CliError('CLI_USAGE', { missing: '--version' });
  const certificatesPem = await Promise.all(options.certificates.map((file) => readText(inFolder(io.cwd, file))));
  const facts = await measureFile(path);
  const client = await connect(workspace);
  if (certificatesPem.length > 0) await client.call('putLine', { params: { line }, body: { certificatesPem } });
  const artifacts = [{ name: basename(path), ...facts }];
  const announced = await announce(client, {
    line,
    version: parseVersion(version),
    kind: 'foreign',
    artifacts,
    ...advice,
  });
  await upload(io, client, dirname(path), announced);
  return finish(client, announced, sbom);
}

/** A sealed release is a folder. */
async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true;
}

export const publish = defineCommand({
  summary: 'give a release to the server: a sealed one, listed first, or a signed foreign image',
  about: [
    'A release folder is verified under the image keys of the line, listed with the release key, uploaded and published.',
    'A foreign image (.swu, .raucb, .mender, MCUboot) is uploaded, and published when its signature holds under the',
    'certificates and keys of the line.',
    'Safe to repeat: what an earlier try did is not done again.',
  ],
  positionals: [{ name: 'PATH', summary: 'the folder that "pawl seal" made, or a foreign image' }],
  options: {
    version: { type: 'string', value: 'X.Y.Z', summary: 'of a foreign image: its version' },
    line: {
      type: 'string',
      value: 'NAME',
      summary: 'of a foreign image: the line (may be left out when there is only one)',
    },
    certificate: {
      type: 'string',
      value: 'FILE',
      summary: 'of a foreign image: PEM (certificate or public key) that may sign, from now on',
      multiple: true,
    },
    sbom: {
      type: 'string',
      value: 'FILE',
      summary: 'bill of materials of the release (CycloneDX or SPDX, as JSON)',
    },
    ...ADVICE_OPTIONS,
    ...PASSPHRASE_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: 'pawl publish releases/kettle/1.4.0',
  async run({ values, positionals: [given = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const sbom = values.sbom === undefined ? undefined : await readInput(inFolder(io.cwd, values.sbom));
    const job = { io, workspace, path: inFolder(io.cwd, given), sbom };
    if (!(await isFile(job.path))) return publishSealed(job, values['passphrase-file']);
    const line = chooseLine(workspace, values.line);
    return publishForeign(job, {
      line,
      version: values.version,
      certificates: values.certificate,
      advice: parseAdvice(values),
    });
  },
});
