#!/usr/bin/env node
/**
 * `tuf-client OPTIONS init ROOT | refresh | download`: the command line that tuf-conformance drives. Options may stand before
 * or after the command. Exit 0 when everything went well, 1 at the first failure, with the reason on standard error. The time
 * is that of the process, read once, so that `faketime` works around it.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { isCodedError } from '@pawl/core/bytes';
import { downloadTargets, initClient, type Repository, refreshClient } from './client.ts';

const OPTIONS = {
  'metadata-dir': { type: 'string' },
  'metadata-url': { type: 'string' },
  'target-name': { type: 'string', multiple: true },
  'target-base-url': { type: 'string' },
  'target-dir': { type: 'string' },
} as const;

type Values = Readonly<Record<string, string | readonly string[] | undefined>>;

function required(values: Values, name: keyof typeof OPTIONS): string {
  const value = values[name];
  if (typeof value !== 'string') throw new Error(`--${name} is needed`);
  return value;
}

function repositoryOf(values: Values, now: Date): Repository {
  return {
    metadataDir: required(values, 'metadata-dir'),
    metadataUrl: required(values, 'metadata-url'),
    now,
  };
}

async function run(args: readonly string[], now: Date): Promise<void> {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  const [command, root, ...rest] = positionals;
  if (command === 'init' && root !== undefined && rest.length === 0) {
    await initClient(required(values, 'metadata-dir'), await readFile(root));
  } else if (command === 'refresh' && root === undefined) {
    await refreshClient(repositoryOf(values, now));
  } else if (command === 'download' && root === undefined) {
    await downloadTargets(repositoryOf(values, now), {
      paths: values['target-name'] ?? [],
      targetBaseUrl: required(values, 'target-base-url'),
      targetDir: required(values, 'target-dir'),
    });
  } else throw new Error('usage: tuf-client OPTIONS init ROOT | refresh | download');
}

try {
  await run(process.argv.slice(2), new Date());
} catch (error) {
  const reason = isCodedError(error) ? `${error.code} ${JSON.stringify(error.details)}` : '';
  console.error(`error: ${error instanceof Error ? error.message : String(error)} ${reason}`.trimEnd());
  process.exitCode = 1;
}
