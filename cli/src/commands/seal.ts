/** `pawl seal`: an image becomes a release folder: encrypted, described, signed. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AgreementPublicKey } from '@pawl/core/crypto';
import { defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { startProgress } from '../frame/progress.ts';
import { inFolder } from '../workspace/files.ts';
import { assertKeyOfOwn, lineKeyName, loadNamedKey, openSigningKey } from '../workspace/keyring.ts';
import { obtainPassphrase, PASSPHRASE_OPTION } from '../workspace/passphrase.ts';
import { ADVICE_OPTIONS, parseAdvice } from '../workspace/release-advice.ts';
import { isArtifactName } from '../workspace/release-folder.ts';
import { sealImage } from '../workspace/seal-image.ts';
import {
  chooseLine,
  lineOf,
  loadWorkspace,
  parseNumber,
  parseVersion,
  WORKSPACE_OPTION,
} from '../workspace/workspace.ts';

async function sizeOf(path: string): Promise<number> {
  try {
    const facts = await stat(path);
    if (facts.isFile()) return facts.size;
  } catch (cause) {
    throw new CliError('CLI_FILE_UNREADABLE', { path }, cause);
  }
  throw new CliError('CLI_FILE_UNREADABLE', { path, expected: 'a file' });
}

export const seal = defineCommand({
  summary: 'encrypt, describe and sign an image as a release',
  about: [
    'Three numbers, never mixed: --version is for people, --sequence says which manifest is newer, --counter is the floor',
    'that devices keep after they confirm the release and never go below again.',
  ],
  positionals: [{ name: 'IMAGE', summary: 'the plain image, as the slot will hold it' }],
  options: {
    line: { type: 'string', value: 'NAME', summary: 'product line (may be left out when there is only one)' },
    version: { type: 'string', value: 'X.Y.Z', summary: 'semantic version', required: true },
    sequence: { type: 'string', value: 'N', summary: 'sequence number of the manifest', required: true },
    counter: { type: 'string', value: 'N', summary: 'security counter', required: true },
    key: { type: 'string', value: 'NAME', summary: 'image key that signs; default image', multiple: true },
    payload: { type: 'string', value: 'FILE', summary: 'name of the encrypted payload', default: 'image.enc' },
    out: { type: 'string', value: 'DIR', summary: 'release folder (else releases/LINE/VERSION of the workspace)' },
    ...ADVICE_OPTIONS,
    ...PASSPHRASE_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: 'pawl seal firmware.bin --version 1.4.0 --sequence 12 --counter 3',
  async run({ values, positionals: [image = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const line = chooseLine(workspace, values.line);
    const version = parseVersion(values.version);
    if (!isArtifactName(values.payload)) throw new CliError('CLI_USAGE', { payload: values.payload });
    const imagePath = inFolder(io.cwd, image);
    const sizeBytes = await sizeOf(imagePath);
    const outDir =
      values.out === undefined ? join(workspace.dir, 'releases', line, version) : inFolder(io.cwd, values.out);
    const passphrase = await obtainPassphrase(io, values['passphrase-file']);
    const names = values.key.length === 0 ? ['image'] : values.key;
    const imageSigners = await Promise.all(names.map((name) => openSigningKey(workspace, name, passphrase)));
    const { file } = await loadNamedKey(workspace, lineKeyName(line));
    const lineKey = AgreementPublicKey.fromSpki(file.public);
    assertKeyOfOwn(workspace, lineKey);
    const progress = startProgress(io, 'sealing', sizeBytes);
    const release = await sealImage({
      imagePath,
      outDir,
      line,
      lineConfig: lineOf(workspace, line),
      version,
      sequenceNumber: parseNumber(values.sequence, '--sequence'),
      securityCounter: parseNumber(values.counter, '--counter'),
      payloadName: values.payload,
      imageSigners,
      lineKey,
      now: io.now(),
      advice: parseAdvice(values),
      onProgress: (done) => progress.update(done),
    });
    progress.end();
    const files = release.artifacts.map(
      ({ name, sizeBytes: size, sha256 }) => `  ${name}  ${size} bytes  sha256 ${sha256}`,
    );
    return { json: { dir: outDir, ...release }, text: [`sealed ${line} ${version} in ${outDir}`, ...files] };
  },
});
