/**
 * `pawl`: the operator's and the device's command line. Only this file looks at the process (arguments, environment, clock,
 * signals); everything else gets them as parameters. `bin/pawl.js` starts it.
 */
async function main(): Promise<void> {
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
