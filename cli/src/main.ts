/**
 * `pawl`: the operator's and the device's command line. Only this file looks at the process (arguments, environment, clock,
 * signals); everything else gets them as parameters. The Node version is checked before anything else is loaded, so that
 * an old Node gives a sentence instead of a syntax error.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

const NODE_MINIMUM = [24, 12] as const;

function isNodeRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > NODE_MINIMUM[0] || (major === NODE_MINIMUM[0] && minor >= NODE_MINIMUM[1]);
}

/**
 * Compiled code is kept beside the packages, so that the next start costs half the time and a third of the memory. Only
 * there: a folder that others may write would let them choose what runs.
 */
function keepCompiled(): void {
  enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/pawl'));
}

async function main(): Promise<void> {
  if (!isNodeRecent(process.versions.node)) {
    process.stderr.write(
      `error: Pawl needs Node ${NODE_MINIMUM.join('.')} or newer; this is ${process.versions.node}\n`,
    );
    process.stderr.write('hint: run it as "npm run pawl --", which uses the Node that npm ci installed.\n');
    process.exitCode = 3;
    return;
  }
  keepCompiled();
  const [{ runCommandLine }, { COMMANDS }] = await Promise.all([
    import('./frame/run.ts'),
    import('./commands/index.ts'),
  ]);
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      // A second signal ends at once: a person who presses Ctrl-C twice means it.
      if (abort.signal.aborted) process.exit(130);
      abort.abort();
    });
  }
  // A reader that went away (`pawl ... | head`) is not an error of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 3));
  process.exitCode = await runCommandLine(COMMANDS, process.argv.slice(2), ({ isJson }) => ({
    cwd: process.cwd(),
    env: process.env,
    stdin: process.stdin,
    isTty: process.stdout.isTTY === true && process.env['TERM'] !== 'dumb',
    isJson,
    print: (line) => process.stdout.write(`${line}\n`),
    note: (line) => process.stderr.write(`${line}\n`),
    draw: (text) => process.stderr.write(text),
    printJson: (value) =>
      process.stdout.write(
        `${JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item))}\n`,
      ),
    now: () => new Date(),
    signal: abort.signal,
  }));
}

await main();
