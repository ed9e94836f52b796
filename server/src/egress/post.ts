/**
 * Posts to an address that somebody else chose. The name is resolved once, every address that it stands for is judged
 * (address.ts), and the connection goes to the very address that was judged: an answer of the resolver that changes in
 * between changes nothing. Redirects are not followed, answers are read to a bound only, and all of it ends in time.
 */
import { lookup as dnsLookup } from 'node:dns/promises';
import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { rootCertificates } from 'node:tls';
import { mayReach, type Network, parseNetwork } from './address.ts';
import { EgressError } from './errors.ts';

type Resolved = { readonly address: string; readonly family: number };

export type EgressRules = {
  /** Beside public addresses. */
  readonly networks: readonly Network[];
  readonly isHttpAllowed: boolean;
  readonly ports: ReadonlySet<number>;
  /** PEM of authorities beside the well-known ones. */
  readonly ca: string | undefined;
  readonly timeoutMs: number;
  readonly resolve: (name: string) => Promise<readonly Resolved[]>;
};

/** What a configuration leaves out. */
export const EGRESS_DEFAULT: EgressRules = {
  networks: [],
  isHttpAllowed: false,
  ports: new Set([443]),
  ca: undefined,
  timeoutMs: 10_000,
  resolve: (name) => dnsLookup(name, { all: true }),
};

const ANSWER_BYTES_MAX = 16 * 1024;

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

/**
 * What of a URL can be judged before anything is resolved.
 * @throws EgressError EGRESS_URL_REFUSED, EGRESS_PORT_REFUSED, EGRESS_ADDRESS_REFUSED
 */
export function verifyUrl(text: string, rules: EgressRules): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isScheme = url?.protocol === 'https:' || (rules.isHttpAllowed && url?.protocol === 'http:');
  if (url === undefined || !isScheme || url.username !== '' || url.password !== '' || url.hash !== '')
    throw new EgressError('EGRESS_URL_REFUSED');
  if (!rules.ports.has(portOf(url))) throw new EgressError('EGRESS_PORT_REFUSED', { port: portOf(url) });
  const host = hostOf(url);
  if (isIP(host) !== 0 && !mayReach(host, rules.networks)) throw new EgressError('EGRESS_ADDRESS_REFUSED', { host });
  return url;
}

/** One address of the name, all of which may be reached. */
async function resolveJudged(host: string, rules: EgressRules): Promise<Resolved> {
  const family = isIP(host);
  if (family !== 0) return { address: host, family };
  let found: readonly Resolved[];
  try {
    found = await rules.resolve(host);
  } catch (cause) {
    throw new EgressError('EGRESS_NAME_UNRESOLVED', { host }, cause);
  }
  const [first] = found;
  if (first === undefined) throw new EgressError('EGRESS_NAME_UNRESOLVED', { host });
  for (const { address } of found) {
    if (!mayReach(address, rules.networks)) throw new EgressError('EGRESS_ADDRESS_REFUSED', { host });
  }
  return first;
}

/** Asks nobody: the connection goes where the judgement was made. */
function pinnedTo(target: Resolved): LookupFunction {
  return (_name, options, done) => {
    if (options.all === true) done(null, [{ address: target.address, family: target.family }]);
    else done(null, target.address, target.family);
  };
}

type Sending = {
  readonly url: URL;
  readonly target: Resolved;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly signal: AbortSignal;
};

/** What the other side said: its status, and its body as far as anybody reads. */
export type Answered = { readonly status: number; readonly type: string; readonly body: string };

function send({ url, target, headers, body, signal }: Sending, ca: string | undefined): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      agent: false as const,
      lookup: pinnedTo(target),
      headers: { ...headers, 'content-length': String(body.length) },
      maxHeaderSize: ANSWER_BYTES_MAX,
      signal,
      ...(ca === undefined ? {} : { ca }),
    };
    const request = (url.protocol === 'https:' ? https : http).request(url, options, (answer) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const said = (): Answered => ({
        status: answer.statusCode ?? 0,
        type: answer.headers['content-type'] ?? '',
        body: Buffer.concat(chunks).toString(),
      });
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        // The status is what counts; more of an answer than this is nothing that anybody reads.
        if (bytes > ANSWER_BYTES_MAX) answer.destroy();
        else chunks.push(chunk);
      });
      answer.on('close', () => resolve(said()));
      answer.on('error', () => resolve(said()));
    });
    request.on('error', reject);
    request.end(body);
  });
}

type Message = { readonly headers: Readonly<Record<string, string>>; readonly body: string };

/**
 * Posts, and gives the status of the answer.
 * @throws EgressError
 */
export async function postGuarded(text: string, message: Message, rules: EgressRules): Promise<number> {
  return (await askGuarded(text, message, rules)).status;
}

/**
 * Posts, and gives the answer; of a longer one than 16 KiB the beginning.
 * @throws EgressError
 */
export async function askGuarded(text: string, message: Message, rules: EgressRules): Promise<Answered> {
  const url = verifyUrl(text, rules);
  const signal = AbortSignal.timeout(rules.timeoutMs);
  const target = await Promise.race([resolveJudged(hostOf(url), rules), timedOut(signal)]);
  try {
    const answered = await send(
      { url, target, headers: message.headers, body: Buffer.from(message.body), signal },
      rules.ca,
    );
    // An answer that was still going on when the time was up is none.
    if (signal.aborted) throw new EgressError('EGRESS_TIMED_OUT', { host: url.host });
    return answered;
  } catch (cause) {
    if (cause instanceof EgressError) throw cause;
    throw new EgressError(signal.aborted ? 'EGRESS_TIMED_OUT' : 'EGRESS_UNREACHABLE', { host: url.host }, cause);
  }
}

function timedOut(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new EgressError('EGRESS_TIMED_OUT')), { once: true });
  });
}

export type EgressConfig = {
  /** Networks that are not public and may be posted to all the same, as `10.1.0.0/16`. */
  readonly networks?: readonly string[];
  readonly isHttpAllowed?: boolean;
  /** Beside 443. */
  readonly ports?: readonly number[];
  /** PEM of authorities beside the well-known ones. */
  readonly ca?: string;
};

/** The rules of a configuration; undefined when a network of it is none. */
export function egressRules(config: EgressConfig): EgressRules | undefined {
  const networks = (config.networks ?? []).map(parseNetwork);
  const known = networks.filter((network) => network !== undefined);
  if (known.length < networks.length) return undefined;
  return {
    ...EGRESS_DEFAULT,
    networks: known,
    isHttpAllowed: config.isHttpAllowed === true,
    ports: new Set([443, ...(config.ports ?? [])]),
    ca: config.ca === undefined ? undefined : [...rootCertificates, config.ca].join('\n'),
  };
}
