/** `pawl ledger witness`: a witness of ledgers, for another organisation to run: an importer, a test house, a customer. */
import { startWitness } from '@pawl/server/witness';
import { defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { inFolder, readText } from '../workspace/files.ts';
import { readLedgerKey } from '../workspace/ledger-key.ts';
import { untilAborted } from '../workspace/until-aborted.ts';
import { parseNumber } from '../workspace/workspace.ts';

export const witness = defineCommand({
  summary: 'run a witness, which cosigns ledgers that only ever grow',
  about: [
    'It remembers the last checkpoint of each ledger and cosigns only what provably goes on from there (C2SP tlog-witness).',
    'It sees no entry: checkpoints and hashes are all that is sent to it. Listens on loopback; anywhere else only with TLS.',
    'Never restore its folder from a backup: a witness that forgot what it saw must get another key.',
  ],
  positionals: [{ name: 'DIR', summary: 'its folder: key and memory' }],
  options: {
    new: { type: 'string', value: 'NAME', summary: 'make it, under this name, such as lab.example/pawl-witness' },
    ledger: {
      type: 'string',
      value: 'VKEY',
      summary: 'verification key of a ledger that it cosigns, as text or in a file',
      multiple: true,
    },
    host: { type: 'string', value: 'ADDRESS', summary: 'where to listen', default: '127.0.0.1' },
    port: { type: 'string', value: 'PORT', summary: '0 takes a free one', default: '8090' },
    'tls-cert': { type: 'string', value: 'FILE', summary: 'certificate chain, PEM' },
    'tls-key': { type: 'string', value: 'FILE', summary: 'its private key, PEM' },
  },
  example: 'pawl ledger witness ./witness --new lab.example/pawl-witness --ledger ledger.vkey',
  async run({ values, positionals: [dir = ''], io }) {
    const ledgers: string[] = [];
    for (const given of values.ledger) ledgers.push(await readLedgerKey(io, given));
    if (ledgers.length === 0) throw new CliError('CLI_USAGE', { missing: '--ledger' });
    const [cert, key] = [values['tls-cert'], values['tls-key']];
    if ((cert === undefined) !== (key === undefined))
      throw new CliError('CLI_USAGE', { expected: '--tls-cert and --tls-key together' });
    const read = (path: string): Promise<string> => readText(inFolder(io.cwd, path));
    const running = await startWitness({
      dir: inFolder(io.cwd, dir),
      ...(values.new === undefined ? {} : { newName: values.new }),
      ledgers,
      host: values.host,
      port: Number(parseNumber(values.port, '--port')),
      ...(cert === undefined || key === undefined ? {} : { tls: { cert: await read(cert), key: await read(key) } }),
      now: () => io.now(),
      onJudged: ({ origin, status, text }) => {
        if (io.isJson) io.printJson({ event: 'judged', origin, status, text });
        else io.print(`${io.now().toISOString()}  ${status}  ${origin}  ${text}`);
      },
    });
    if (io.isJson) io.printJson({ event: 'listening', url: running.url, vkey: running.vkey });
    else {
      io.print(`listening on ${running.url}`);
      io.print(`verification key ${running.vkey}`);
      io.print(`for the ledger: pawl serve --witness '${running.vkey}=${running.url}'`);
      for (const { origin, atMs, isFork } of running.refused()) {
        const what = isFork
          ? `another history of ${origin}`
          : `a checkpoint of ${origin} that came without a good proof`;
        io.print(`refused at ${new Date(atMs).toISOString()}: ${what}`);
      }
    }
    try {
      await untilAborted(io.signal);
    } finally {
      await running.close();
    }
    return {};
  },
});
