import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { enrolAgent } from '@pawl/agent/main';
import { DeviceApi } from '../test/device-api.ts';
import { ReleaseRepository } from '../test/release-repository.ts';
import { TestDevice } from '../test/test-device.ts';
import { systemClock } from './clock.ts';
import { loadConfig, saveConfig } from './config.ts';
import { nodeDisk } from './disk.ts';
import { loadDeviceKey } from './identity.ts';
import { stateFolder } from './state-folder.ts';

let api: DeviceApi;
let device: TestDevice;
let server: Server;
/** The public keys that clients showed, SPKI; undefined for one that showed none. */
const shown: (Buffer | undefined)[] = [];

/** A self-signed certificate for the loopback address, by the openssl command. */
function makeCertificate(name: string): { key: Buffer; cert: Buffer; path: string } {
  const [key, cert] = [join(device.dir, `${name}.key`), join(device.dir, `${name}.pem`)];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { key: readFileSync(key), cert: readFileSync(cert), path: cert };
}

async function configure(tls: object): Promise<void> {
  const path = stateFolder(device.stateDir).config;
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await saveConfig(nodeDisk, path, { ...(await loadConfig(nodeDisk, path)), server: url, tls });
}

async function codesOfRound(): Promise<string[]> {
  device.events.length = 0;
  await device.run(1, { clock: { ...device.ports().clock, now: systemClock.now } });
  return device.events.flatMap((event) => (event.event === 'unreachable' ? [event.code] : []));
}

let trusted: string;

before(async () => {
  const repository = await ReleaseRepository.start();
  api = await DeviceApi.start(repository);
  device = await TestDevice.make(repository, api);
  const { key, cert, path } = makeCertificate('server');
  trusted = path;
  // The device's certificate is signed by itself: what counts is its key, which the server knows from enrolment.
  server = createServer({ key, cert, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    assert.ok(request.socket instanceof TLSSocket);
    const { raw } = request.socket.getPeerCertificate();
    const certificate = raw === undefined ? undefined : new X509Certificate(raw);
    shown.push(certificate?.publicKey.export({ type: 'spki', format: 'der' }));
    if (certificate === undefined || !certificate.verify(certificate.publicKey)) response.writeHead(401).end();
    else response.end(JSON.stringify({ config: { polling: { sleep: '00:01:00' } }, _links: {} }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
});
beforeEach(() => {
  shown.length = 0;
});
after(async () => {
  server.closeAllConnections();
  server.close();
  await api.close();
  device.remove();
});

describe('over TLS the device', () => {
  test('shows a certificate of its own key, the one that it enrolled with', async () => {
    await configure({ ca: trusted });
    assert.deepEqual(await codesOfRound(), []);
    const key = await loadDeviceKey(nodeDisk, stateFolder(device.stateDir).deviceKey);
    assert.deepEqual(shown, [Buffer.from(key.publicKey.toSpkiDer())]);
  });

  test('shows the certificate of its configuration instead, when there is one', async () => {
    const own = makeCertificate('device');
    await configure({ ca: trusted, cert: own.path, key: own.path.replace('.pem', '.key') });
    assert.deepEqual(await codesOfRound(), []);
    const { publicKey } = new X509Certificate(own.cert);
    assert.deepEqual(shown, [publicKey.export({ type: 'spki', format: 'der' })]);
  });

  test('sends nothing to a server whose certificate another authority signed', async () => {
    await configure({ ca: makeCertificate('another').path });
    assert.deepEqual(await codesOfRound(), ['AGENT_SERVER_UNREACHABLE']);
    await assert.rejects(enrolAgent({ stateDir: device.stateDir, claim: 'good claim' }, device.ports()), {
      code: 'AGENT_SERVER_UNREACHABLE',
    });
    assert.deepEqual(shown, []);
  });

  test('shows nothing before it is enrolled, and is told so', async () => {
    await configure({ ca: trusted });
    await assert.rejects(enrolAgent({ stateDir: device.stateDir, claim: 'good claim' }, device.ports()), {
      code: 'AGENT_ENROLMENT_REFUSED',
    });
    assert.deepEqual(shown, [undefined]);
  });

  test('says which file of its configuration is missing', async () => {
    await configure({ ca: join(device.dir, 'none.pem') });
    await assert.rejects(device.run(), { code: 'AGENT_CONFIG_INVALID' });
  });
});
