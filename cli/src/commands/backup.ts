/** `pawl backup` and `pawl restore`: a copy of a server's data folder while it runs, and the way back. */
import { backupFolder, restoreFolder } from '@pawl/server/main';
import { defineCommand } from '../frame/command.ts';
import { inFolder } from '../workspace/files.ts';

export const backup = defineCommand({
  summary: 'copy the data folder of a server, which may be running',
  about: [
    'Database, artifacts and online keys, with a manifest of digests. Keep it as you keep the folder itself: who has it can sign',
    'as this server. With PostgreSQL or an object store use their own tools for those (docs/operate/storage.md).',
  ],
  options: {
    data: { type: 'string', value: 'DIR', summary: 'data folder of the server', required: true },
    out: { type: 'string', value: 'DIR', summary: 'where to; must not exist yet', required: true },
  },
  example: 'pawl backup --data ./server --out ./backup-1',
  async run({ values, io }) {
    const summary = await backupFolder(inFolder(io.cwd, values.data), inFolder(io.cwd, values.out), io.now());
    const { files, sizeBytes, manifestSha256 } = summary;
    return { json: summary, text: [`${files} files, ${sizeBytes} bytes`, `manifest ${manifestSha256}`] };
  },
});

export const restore = defineCommand({
  summary: 'make a data folder from a backup, when every digest is right',
  options: {
    from: { type: 'string', value: 'DIR', summary: 'the backup', required: true },
    data: { type: 'string', value: 'DIR', summary: 'the new data folder; must be empty or not there', required: true },
    manifest: { type: 'string', value: 'SHA256', summary: 'what "pawl backup" printed, when you kept it elsewhere' },
  },
  example: 'pawl restore --from ./backup-1 --data ./server',
  async run({ values, io }) {
    const { files } = await restoreFolder(
      inFolder(io.cwd, values.from),
      inFolder(io.cwd, values.data),
      values.manifest,
    );
    return { json: { files }, text: [`${files} files, all as the manifest says`] };
  },
});
