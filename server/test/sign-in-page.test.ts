/** The sign-in page in a real Chromium with a virtual authenticator: the first person, signing in, one more passkey. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type RunningServer, startServer } from '../src/main.ts';
import { Chromium } from './chromium.ts';
import { exchange } from './raw-http.ts';

const isMissing = spawnSync('chromium', ['--version']).error !== undefined;
const skip = isMissing && process.env['CI'] !== 'true' ? 'needs chromium (Debian package chromium)' : false;
/** A folder for pictures of each step, for people to look at. */
const pictures = process.env['PAWL_SCREENSHOTS'];

let folder: string;
let server: RunningServer;
let browser: Chromium;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-page-'));
  const common = { host: '127.0.0.1', port: 0, pollIntervalS: 300, logLevel: 'silent' as const };
  server = await startServer({ dataDir: join(folder, 'data'), now: () => new Date(), ...common });
  if (skip === false) browser = await Chromium.start();
});
after(async () => {
  if (skip === false) await browser.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function picture(name: string): Promise<void> {
  if (pictures === undefined) return;
  for (const scheme of ['light', 'dark']) {
    for (const width of [360, 1000]) {
      const features = [{ name: 'prefers-color-scheme', value: scheme }];
      await browser.send('Emulation.setEmulatedMedia', { features });
      const size = { width, height: 800, deviceScaleFactor: 1, mobile: false };
      await browser.send('Emulation.setDeviceMetricsOverride', size);
      await writeFile(join(pictures, `${name}-${scheme}-${width}.png`), await browser.screenshot());
    }
  }
  await browser.send('Emulation.clearDeviceMetricsOverride');
}

test('the link of the first run makes the first admin, who signs out and in again', { skip }, async () => {
  const first = await browser.addAuthenticator();
  await browser.goTo(`${server.url}/#claim=${server.claim}`);
  await browser.see('You are the first here');
  // The address that was printed is none that passkeys work under; the page knows its name. The claim is out of sight.
  const port = new URL(server.url).port;
  assert.equal(await browser.evaluate('location.href'), `http://localhost:${port}/`);
  await picture('join');
  await browser.fill('Your name', 'Ada <b>Lovelace</b>');
  await browser.press('Make a passkey');
  await browser.see('Your roles: admin');
  await browser.see('Ada <b>Lovelace</b>');
  await browser.see('this one');
  await picture('me');
  assert.equal(await browser.evaluate('document.cookie'), '', 'no script sees the cookie');
  await browser.press('Sign out');
  await browser.see('You are signed out.');
  await picture('sign-in');
  await browser.press('With a passkey');
  await browser.see('Your roles: admin');
  await browser.goTo(`http://localhost:${port}/`);
  await browser.see('Your roles: admin');
  // The same authenticator has one already; another adds one.
  await browser.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId: first });
  await browser.addAuthenticator();
  await browser.fill('A name for another passkey', 'spare');
  await browser.press('Add');
  await browser.see('The passkey is added.');
  await browser.press('Remove: spare');
  await browser.until("!document.querySelector('#passkeys').innerText.includes('spare')");
  await browser.press('Remove: Linux');
  await browser.see('Nobody would be left who can administer the server');
  await picture('refused');
});

test('a link that is used up says so, and asks for nothing', { skip }, async () => {
  await browser.goTo('about:blank');
  await browser.goTo(`${server.url}/#claim=${server.claim}`);
  await browser.see('The claim is unknown, used or expired');
  await picture('used-up');
});

test('nothing on the page is refused by its own policy', { skip }, () => {
  const policy = browser.complaints.filter((text) =>
    /Content Security Policy|TrustedScript|exceptionDetails/.test(text),
  );
  assert.deepEqual(policy, []);
});

test('every control of the page has a name, and the page says its language and title', { skip }, async () => {
  const nameless = await browser.evaluate<string[]>(`[...document.querySelectorAll('input, button, a, section')]
    .filter((each) => !(each.labels?.length > 0 || each.textContent.trim() !== '' || each.id === 'with-oidc'))
    .map((each) => each.outerHTML)`);
  assert.deepEqual(nameless, []);
  assert.deepEqual(await browser.evaluate('[document.documentElement.lang, document.title !== ""]'), ['en', true]);
});

test('pages are served with a policy that lets them run only themselves, and nothing else is', async () => {
  const { headers, text } = await exchange(`${server.url}/`);
  const policy = String(headers['content-security-policy']);
  for (const rule of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) {
    assert.ok(policy.includes(rule), rule);
  }
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['strict-transport-security'], undefined);
  assert.doesNotMatch(text, /<script(?![^>]*src=)|<style|\son\w+=|\sstyle=/);
  const again = await exchange(`${server.url}/`, { headers: { 'if-none-match': headers.etag ?? '' } });
  assert.deepEqual([again.status, again.text], [304, '']);
});
