/** `pawl release`: what belongs to a release beside its images. */
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { connect } from '../workspace/connection.ts';
import { inFolder, readInput, writeOutput } from '../workspace/files.ts';
import { loadWorkspace, WORKSPACE_OPTION } from '../workspace/workspace.ts';
import { releaseIdOf } from './release-id.ts';
import { parseRelease } from './vulnerability.ts';

const sbom = defineCommand({
  summary: 'hand in the bill of materials of a release, or fetch it with --out',
  about: [
    'CycloneDX 1.5 or 1.6, or SPDX 2.3, as JSON. Only components with a package URL are matched against advisories.',
  ],
  positionals: [
    { name: 'LINE/VERSION', summary: 'the release' },
    { name: 'FILE', summary: 'the bill of materials', optional: true },
  ],
  options: { out: { type: 'string', value: 'FILE', summary: 'fetch it to this file' }, ...WORKSPACE_OPTION },
  example: 'pawl release sbom hub/1.4.3 hub-1.4.3.cdx.json',
  async run({ values, positionals: [name = '', file], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { line, version } = parseRelease(name);
    const params = { id: await releaseIdOf(client, line, version) };
    if (file !== undefined) {
      const body = await readInput(inFolder(io.cwd, file));
      const kept = await client.call('putSbom', { params, body, sizeBytes: body.length });
      const { format, specVersion, components, matchable, sha256 } = kept;
      return {
        json: kept,
        text: [`${name}: ${format} ${specVersion}, ${components} components, ${matchable} with a package URL`, sha256],
      };
    }
    const bytes = await client.call('getSbom', { params });
    if (values.out !== undefined) await writeOutput(inFolder(io.cwd, values.out), bytes);
    return values.out === undefined
      ? { json: JSON.parse(Buffer.from(bytes).toString()) as unknown, text: Buffer.from(bytes).toString().split('\n') }
      : { json: { file: values.out, sizeBytes: bytes.length }, text: [`${values.out}: ${bytes.length} bytes`] };
  },
});

export const release: CommandGroup = { summary: 'what belongs to a release', commands: { sbom } };
