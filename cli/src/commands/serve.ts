/** `pawl serve`: the update server in this process, until a signal ends it. */
import { parseObjects, type ServerConfig, startServer } from '@pawl/server/main';
import { defineCommand, type Io } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { inFolder, readText } from '../workspace/files.ts';
import { untilAborted } from '../workspace/until-aborted.ts';
import { parseNumber } from '../workspace/workspace.ts';

const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;

function parseLogLevel(text: string): (typeof LOG_LEVELS)[number] {
  const level = LOG_LEVELS.find((name) => name === text);
  if (level === undefined) throw new CliError('CLI_USAGE', { log: text, expected: LOG_LEVELS.join(', ') });
  return level;
}

/** The key ends where the address begins: it is base64 and may hold an equals sign, but no colon. */
function parseWitness(text: string): { vkey: string; url: string } {
  const match = /^([^\s:]+)=(https?:\/\/.+?)\/*$/.exec(text);
  const [, vkey = '', url = ''] = match ?? [];
  if (match === null) throw new CliError('CLI_USAGE', { witness: text, expected: 'VKEY=URL' });
  return { vkey, url };
}

type TlsPaths = {
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly ca: string | undefined;
};

async function loadTls(io: Io, { cert, key, ca }: TlsPaths): Promise<Pick<ServerConfig, 'tls'>> {
  if (cert === undefined && key === undefined && ca === undefined) return {};
  if (cert === undefined || key === undefined)
    throw new CliError('CLI_USAGE', { expected: '--tls-cert and --tls-key together' });
  const read = (path: string): Promise<string> => readText(inFolder(io.cwd, path));
  const clientCa = ca === undefined ? {} : { clientCa: await read(ca) };
  return { tls: { cert: await read(cert), key: await read(key), ...clientCa } };
}

type OidcWords = {
  readonly 'oidc-issuer': string | undefined;
  readonly 'oidc-client': string | undefined;
  readonly 'oidc-secret-file': string | undefined;
  readonly 'oidc-name': string;
  readonly 'oidc-claim': string | undefined;
  readonly 'oidc-role': readonly string[];
};

async function loadOidc(io: Io, words: OidcWords): Promise<Pick<ServerConfig, 'oidc'>> {
  const { 'oidc-issuer': issuer, 'oidc-client': clientId, 'oidc-secret-file': secretFile } = words;
  if (issuer === undefined && clientId === undefined) return {};
  if (issuer === undefined || clientId === undefined)
    throw new CliError('CLI_USAGE', { expected: '--oidc-issuer and --oidc-client together' });
  const rolesClaim = words['oidc-claim'];
  const roles = Object.fromEntries(
    words['oidc-role'].map((text) => {
      const at = text.lastIndexOf('=');
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
  const clientSecret = secretFile === undefined ? undefined : (await readText(inFolder(io.cwd, secretFile))).trim();
  return {
    oidc: {
      issuer,
      clientId,
      name: words['oidc-name'],
      roles,
      ...(clientSecret === undefined ? {} : { clientSecret }),
      ...(rolesClaim === undefined ? {} : { rolesClaim }),
    },
  };
}

async function loadProxy(
  io: Io,
  secretFile: string | undefined,
  header: string,
): Promise<Pick<ServerConfig, 'trustedProxy'>> {
  if (secretFile === undefined) return {};
  const secret = (await readText(inFolder(io.cwd, secretFile))).trim();
  return { trustedProxy: { secret, certificateHeader: header } };
}

/** The password never stands on a command line, where every user of the machine reads it. */
async function loadDatabase(
  io: Io,
  { address, file }: { readonly address: string | undefined; readonly file: string | undefined },
): Promise<Pick<ServerConfig, 'database'>> {
  if (address !== undefined && file !== undefined)
    throw new CliError('CLI_USAGE', { expected: '--database or --database-file' });
  if (address !== undefined && URL.canParse(address) && new URL(address).password !== '') {
    throw new CliError('CLI_USAGE', {
      at: '--database',
      expected: 'no password in it: use --database-file or PAWL_DATABASE_URL',
    });
  }
  const fromFile = file === undefined ? undefined : (await readText(inFolder(io.cwd, file))).trim();
  const url = address ?? fromFile ?? io.env['PAWL_DATABASE_URL'];
  return url === undefined ? {} : { database: { url } };
}

async function loadObjects(io: Io, file: string | undefined): Promise<Pick<ServerConfig, 'objects'>> {
  return file === undefined ? {} : { objects: parseObjects(await readText(inFolder(io.cwd, file))) };
}

export const serve = defineCommand({
  summary: 'run the update server',
  about: [
    'Listens on loopback; anywhere else only with TLS, or behind a proxy that ends TLS and knows the proxy secret.',
    'The first run prints a one-time claim link: whoever uses it first is the operator.',
  ],
  options: {
    data: { type: 'string', value: 'DIR', summary: 'data folder: database, artifacts, online keys', required: true },
    database: {
      type: 'string',
      value: 'URL',
      summary: 'a PostgreSQL database instead of SQLite, without its password (else PAWL_DATABASE_URL, PGPASSWORD)',
    },
    'database-file': { type: 'string', value: 'FILE', summary: 'file with its address, password included' },
    'objects-file': {
      type: 'string',
      value: 'FILE',
      summary: 'JSON: endpoint, bucket, region, accessKeyId, secretAccessKey of an S3-compatible store for artifacts',
    },
    host: { type: 'string', value: 'ADDRESS', summary: 'where to listen', default: '127.0.0.1' },
    port: { type: 'string', value: 'PORT', summary: '0 takes a free one', default: '8080' },
    poll: { type: 'string', value: 'SECONDS', summary: 'how often devices ask', default: '300' },
    'public-url': {
      type: 'string',
      value: 'URL',
      summary: 'how devices reach it (else the Host header of each request)',
    },
    'tls-cert': { type: 'string', value: 'FILE', summary: 'certificate chain, PEM' },
    'tls-key': { type: 'string', value: 'FILE', summary: 'its private key, PEM' },
    'client-ca': { type: 'string', value: 'FILE', summary: 'authorities that issue device certificates, PEM' },
    'proxy-secret-file': { type: 'string', value: 'FILE', summary: 'file with the secret that a trusted proxy sends' },
    'proxy-header': {
      type: 'string',
      value: 'NAME',
      summary: "header with the client's certificate",
      default: 'x-client-cert',
    },
    'webhook-network': {
      type: 'string',
      value: 'CIDR',
      summary: 'a network that webhooks may reach though it is not public',
      multiple: true,
    },
    'webhook-port': { type: 'string', value: 'PORT', summary: 'a port beside 443 for webhooks', multiple: true },
    'webhook-http': { type: 'boolean', summary: 'let webhooks go out without TLS' },
    witness: {
      type: 'string',
      value: 'VKEY=URL',
      summary: 'who is asked to cosign the ledger: verification key and address (see "pawl ledger witness")',
      multiple: true,
    },
    'ledger-public': {
      type: 'boolean',
      summary: 'let anybody read checkpoints and hashes of the ledger (/tlog); its entries never',
    },
    'oidc-issuer': { type: 'string', value: 'URL', summary: 'OpenID provider by which people may sign in' },
    'oidc-client': { type: 'string', value: 'ID', summary: 'what this server is called there' },
    'oidc-secret-file': { type: 'string', value: 'FILE', summary: 'file with the secret of that client' },
    'oidc-name': { type: 'string', value: 'TEXT', summary: 'what the button says', default: 'OpenID' },
    'oidc-claim': { type: 'string', value: 'NAME', summary: 'claim that gives roles at the first sign-in' },
    'oidc-role': { type: 'string', value: 'VALUE=ROLE', summary: 'what a value of it stands for', multiple: true },
    log: { type: 'string', value: 'LEVEL', summary: LOG_LEVELS.join(', '), default: 'warn' },
  },
  example: 'pawl serve --data ./server --port 8080',
  async run({ values, io }) {
    const server = await startServer({
      dataDir: inFolder(io.cwd, values.data),
      host: values.host,
      port: Number(parseNumber(values.port, '--port')),
      pollIntervalS: Number(parseNumber(values.poll, '--poll')),
      now: () => io.now(),
      logLevel: parseLogLevel(values.log),
      isLedgerPublic: values['ledger-public'],
      witnesses: values.witness.map(parseWitness),
      egress: {
        networks: values['webhook-network'],
        ports: values['webhook-port'].map((text) => Number(parseNumber(text, '--webhook-port'))),
        isHttpAllowed: values['webhook-http'],
      },
      ...(values['public-url'] === undefined ? {} : { publicUrl: values['public-url'] }),
      ...(await loadDatabase(io, { address: values.database, file: values['database-file'] })),
      ...(await loadObjects(io, values['objects-file'])),
      ...(await loadTls(io, { cert: values['tls-cert'], key: values['tls-key'], ca: values['client-ca'] })),
      ...(await loadOidc(io, values)),
      ...(await loadProxy(io, values['proxy-secret-file'], values['proxy-header'])),
    });
    const link = server.claim === undefined ? undefined : `${server.url}/#claim=${server.claim}`;
    if (io.isJson)
      io.printJson({ event: 'listening', url: server.url, ...(link === undefined ? {} : { claimLink: link }) });
    else {
      io.print(`listening on ${server.url}`);
      if (link !== undefined) {
        io.print('There is no admin yet. This link works once, in a browser or here:');
        io.print(`  ${link}`);
        io.print(`  pawl login '${link}'`);
      }
    }
    try {
      await untilAborted(io.signal);
    } finally {
      await server.close();
    }
    return {};
  },
});
