/**
 * The egress guard against a table of hostile URLs and DNS answers, and against a real receiver on loopback that is only
 * reached when the configuration names it.
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { mayReach, parseNetwork } from './address.ts';
import { EGRESS_DEFAULT, type EgressRules, postGuarded, verifyUrl } from './post.ts';

const LOOPBACK = [parseNetwork('127.0.0.0/8') ?? assert.fail()];
const message = { headers: { 'content-type': 'text/plain' }, body: 'hello' };
let received: string[] = [];
let behaviour: (request: http.IncomingMessage, answer: http.ServerResponse) => void;
const receiver = http.createServer((request, answer) => {
  received.push(`${request.method} ${request.headers.host} ${request.url}`);
  behaviour(request, answer);
});
let port: number;
before(async () => {
  await new Promise<void>((resolve) => {
    receiver.listen(0, '127.0.0.1', resolve);
  });
  port = (receiver.address() as AddressInfo).port;
});
after(() => {
  receiver.close();
  receiver.closeAllConnections();
});

const rulesOf = (change: Partial<EgressRules> = {}): EgressRules => ({
  ...EGRESS_DEFAULT,
  isHttpAllowed: true,
  ports: new Set([80, 443, port]),
  networks: LOOPBACK,
  ...change,
});
const answersTo = (...addresses: string[]): EgressRules['resolve'] => {
  return () => Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
};

/** From the IANA special-purpose address registries and what clouds document of their metadata services. */
const NOT_PUBLIC = [
  ['this network', '0.0.0.0', '0.1.2.3'],
  ['loopback', '127.0.0.1', '127.255.255.254', '::1'],
  ['private', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', 'fc00::1', 'fd12:3456::1'],
  ['link-local', '169.254.0.1', 'fe80::1'],
  ['shared by carriers', '100.64.0.1', '100.127.255.255'],
  ['multicast', '224.0.0.1', '239.255.255.255', 'ff02::1'],
  ['broadcast and reserved', '255.255.255.255', '240.0.0.1', '192.0.0.1'],
  ['documentation and benchmarks', '192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '2001:db8::1'],
  ['metadata', '169.254.169.254', '100.100.100.200', '192.0.0.192', '168.63.129.16', 'fd00:ec2::254'],
  ['IPv4-mapped', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:7f00:1'],
  ['IPv4-compatible and unspecified', '::', '::127.0.0.1'],
  ['NAT64', '64:ff9b::7f00:1', '64:ff9b::808:808', '64:ff9b:1::a00:1'],
  ['6to4 and Teredo', '2002:7f00:1::', '2001:0:7f00:1::'],
  ['discard, site-local, segment routing', '100::1', 'fec0::1', '5f00::1'],
  ['no address', '', 'localhost', '1.2.3', '0x7f000001', '127.1%'],
] as const;

test('no address that is not global unicast may be reached', () => {
  for (const [what, ...addresses] of NOT_PUBLIC)
    for (const address of addresses) assert.equal(mayReach(address, []), false, `${what} ${address}`);
  for (const address of ['8.8.8.8', '1.1.1.1', '2606:4700:4700::1111', '172.32.0.1', '100.128.0.1'])
    assert.equal(mayReach(address, []), true, address);
});

test('a network that the configuration names may be reached, and its neighbour not', () => {
  const networks = ['10.1.0.0/16', 'fd12::/16'].map((text) => parseNetwork(text) ?? assert.fail());
  for (const address of ['10.1.2.3', 'fd12::9']) assert.equal(mayReach(address, networks), true);
  for (const address of ['10.2.0.1', 'fd13::1', '::ffff:10.1.2.3']) assert.equal(mayReach(address, networks), false);
  for (const text of ['10.1.0.0', '10.1.0.0/33', 'x/8', '']) assert.equal(parseNetwork(text), undefined);
});

test('URLs of another form, port or address are refused before anything is resolved', () => {
  const rules = { ...EGRESS_DEFAULT, resolve: () => assert.fail('resolved') };
  const table: readonly (readonly [string, string])[] = [
    ['http://example.com/', 'EGRESS_URL_REFUSED'],
    ['ftp://example.com/', 'EGRESS_URL_REFUSED'],
    ['file:///etc/passwd', 'EGRESS_URL_REFUSED'],
    ['gopher://example.com/', 'EGRESS_URL_REFUSED'],
    ['https://user@example.com/', 'EGRESS_URL_REFUSED'],
    ['https://:secret@example.com/', 'EGRESS_URL_REFUSED'],
    ['https://example.com/#x', 'EGRESS_URL_REFUSED'],
    ['//example.com', 'EGRESS_URL_REFUSED'],
    ['https://', 'EGRESS_URL_REFUSED'],
    ['https://example.com:22/', 'EGRESS_PORT_REFUSED'],
    ['https://example.com:8443/', 'EGRESS_PORT_REFUSED'],
    ...[
      '127.0.0.1',
      '2130706433',
      '0x7f.1',
      '0177.0.0.1',
      '127.1',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[64:ff9b::a9fe:a9fe]',
      '169.254.169.254',
      '①②⑦.⓪.⓪.①',
      '10.0.0.1',
      '0',
    ].map((host) => [`https://${host}/`, 'EGRESS_ADDRESS_REFUSED'] as const),
  ];
  for (const [url, code] of table) assert.throws(() => verifyUrl(url, rules), { code }, url);
  assert.equal(verifyUrl('https://example.com/hook?a=1', rules).pathname, '/hook');
});

test('a name that stands for any address that may not be reached is refused, whatever else it stands for', async () => {
  received = [];
  const table = [
    ['127.0.0.1'],
    ['8.8.8.8', '10.0.0.1'],
    ['2606:4700::1', '::1'],
    ['::ffff:10.0.0.1'],
    ['169.254.169.254'],
  ];
  for (const addresses of table) {
    const rules = rulesOf({ networks: [], resolve: answersTo(...addresses) });
    await assert.rejects(postGuarded(`http://hook.example:${port}/`, message, rules), {
      code: 'EGRESS_ADDRESS_REFUSED',
    });
  }
  assert.deepEqual(received, []);
});

test('the connection goes to the address that was judged, though the resolver says another one afterwards', async () => {
  received = [];
  behaviour = (_, answer) => answer.writeHead(204).end();
  let asked = 0;
  const resolve: EgressRules['resolve'] = async (name) => {
    asked += 1;
    // What it says the second time would be refused, and would lead nowhere.
    return await answersTo(asked === 1 ? '127.0.0.1' : '10.255.255.1')(name);
  };
  assert.equal(await postGuarded(`http://hook.example:${port}/a`, message, rulesOf({ resolve })), 204);
  assert.equal(asked, 1);
  assert.deepEqual(received, [`POST hook.example:${port} /a`]);
});

test('a name without an address, and a resolver that fails or hangs, are told apart from a refusal', async () => {
  const post = (resolve: EgressRules['resolve']) =>
    postGuarded(`http://hook.example:${port}/`, message, rulesOf({ resolve, timeoutMs: 50 }));
  await assert.rejects(post(answersTo()), { code: 'EGRESS_NAME_UNRESOLVED' });
  await assert.rejects(
    post(() => Promise.reject(new Error('SERVFAIL'))),
    { code: 'EGRESS_NAME_UNRESOLVED' },
  );
  await assert.rejects(
    post(() => new Promise(() => undefined)),
    { code: 'EGRESS_TIMED_OUT' },
  );
});

test('a redirect is an answer, not a way to somewhere else', async () => {
  received = [];
  behaviour = (_, answer) => answer.writeHead(307, { location: `http://127.0.0.1:${port}/inner` }).end();
  assert.equal(await postGuarded(`http://127.0.0.1:${port}/`, message, rulesOf()), 307);
  assert.equal(received.length, 1);
});

test('an endless answer is cut at the bound, a silent or slow one at the time, a broken one is told', async () => {
  const url = `http://127.0.0.1:${port}/`;
  let sent = 0;
  behaviour = (_, answer) => {
    answer.writeHead(200);
    const more = (): void => {
      if (answer.destroyed || sent > 50_000_000) return;
      sent += 65_536;
      if (answer.write(Buffer.alloc(65_536))) setImmediate(more);
      else answer.once('drain', more);
    };
    more();
  };
  assert.equal(await postGuarded(url, message, rulesOf()), 200);
  assert.ok(sent < 50_000_000);
  behaviour = () => undefined;
  await assert.rejects(postGuarded(url, message, rulesOf({ timeoutMs: 50 })), { code: 'EGRESS_TIMED_OUT' });
  behaviour = (_, answer) => {
    answer.writeHead(200);
    const drip = setInterval(() => answer.write('x'), 10);
    answer.on('close', () => clearInterval(drip));
  };
  await assert.rejects(postGuarded(url, message, rulesOf({ timeoutMs: 80 })), { code: 'EGRESS_TIMED_OUT' });
  behaviour = (request) => request.socket.destroy();
  await assert.rejects(postGuarded(url, message, rulesOf()), { code: 'EGRESS_UNREACHABLE' });
  const https = `https://127.0.0.1:${port}/`;
  await assert.rejects(postGuarded(https, message, rulesOf()), { code: 'EGRESS_UNREACHABLE' });
});
