import type { ManagementClient } from '@pawl/contract/client';
import { CliError } from '../frame/errors.ts';
import { allPages } from '../workspace/pages.ts';

/** The number of a release that people name by line and version. @throws CliError CLI_RELEASE_UNKNOWN */
export async function releaseIdOf(client: ManagementClient, line: string, version: string): Promise<number> {
  const releases = await allPages((at) => client.call('listReleases', { query: { line, ...at } }));
  const release = releases.find((item) => item.version === version);
  if (release === undefined) throw new CliError('CLI_RELEASE_UNKNOWN', { line, version });
  return release.id;
}
