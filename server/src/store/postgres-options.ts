/**
 * From the address of a PostgreSQL database to what `pg` is told. Across a network only with TLS and a certificate that is
 * verified, unless the address itself says otherwise (`sslmode=disable`): the password and every statement go that way.
 */
import { isIP } from 'node:net';
import pg from 'pg';
import { StoreError } from './errors.ts';

const CONNECT_TIMEOUT_MS = 5000;
/** For a peer that vanished without a word. Nothing we ask lasts as long. */
const QUERY_TIMEOUT_MS = 300_000;
const IDLE_IN_TRANSACTION_MS = 60_000;

function parseWhole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is not a whole number below 2^53`);
  return value;
}

/** int8 is what we count and tell times with; numeric is what `sum` makes of it; bytea is bytes, not text. */
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  [pg.types.builtins.INT8]: parseWhole,
  [pg.types.builtins.NUMERIC]: Number,
  [pg.types.builtins.BYTEA]: (text) => new Uint8Array(Buffer.from(text.slice(2), 'hex')),
};

function isHere(host: string): boolean {
  if (host === '' || host === 'localhost' || host === '[::1]' || /^(\/|%2f)/i.test(host)) return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

/**
 * What a pool is made with.
 * @throws StoreError STORE_ADDRESS_INVALID
 */
export function poolOptions(url: string): pg.PoolConfig {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new StoreError('STORE_ADDRESS_INVALID', { expected: 'postgres://USER@HOST/NAME' });
  }
  const { hostname, searchParams } = new URL(url);
  const isSecured = searchParams.has('sslmode') || isHere(searchParams.get('host') ?? hostname);
  return {
    connectionString: url,
    ...(isSecured ? {} : { ssl: { rejectUnauthorized: true } }),
    application_name: 'pawl',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
    types: {
      getTypeParser: (id: number, format?: string) => PARSERS[id] ?? pg.types.getTypeParser(id, format as 'text'),
    },
  };
}
