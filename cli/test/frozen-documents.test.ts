import assert from 'node:assert/strict';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PrivateKey } from '@pawl/core/crypto';
import { LINE, makeWorkspace, Place } from './workspace-fixture.ts';

const HEARTH = fileURLToPath(new URL('../../examples/products/hearth.yaml', import.meta.url));
const KEY = `trust/keys/${LINE}.cbor`;
const FOR = ['--on', '2028-02-29', '--release', '2.0.0'] as const;
const PAGE = 'frozen/sensor/user-information.html';

/** The example with its sensor only: fewer documents, the same ways. */
async function sensorOnly(): Promise<string> {
  const text = await readFile(HEARTH, 'utf8');
  const [from, to] = [text.indexOf('  - id: gateway\n'), text.indexOf('  - id: sensor\n')];
  return text.slice(0, from) + text.slice(to, text.indexOf('  - id: gateway-lumen\n'));
}

describe('documents that are frozen for a release', () => {
  let place: Place;
  const freeze = (out: string, ...more: string[]) =>
    place.pawl('docs', 'freeze', '--product', 'p.yaml', ...FOR, '--out', out, '--json', ...more);
  const verify = (key = KEY) => place.pawl('verify', 'frozen', '--key', key, '--json');
  before(async () => {
    place = await Place.make();
    await makeWorkspace(place);
    await writeFile(place.path('p.yaml'), await sensorOnly());
    const { status, err } = await freeze('frozen');
    assert.equal(status, 0, err.join('\n'));
  });
  after(async () => {
    await place[Symbol.asyncDispose]();
  });

  test('are authentic under the key that signed, and under no other', async () => {
    const { status, json } = await verify();
    assert.equal(status, 0);
    assert.deepEqual([json['isAuthentic'], json['release'], json['on']], [true, '2.0.0', '2028-02-29']);
    await writeFile(place.path('other.pem'), PrivateKey.generate('ESP256').publicKey.toSpkiPem());
    assert.notEqual((await verify('other.pem')).status, 0);
  });

  test('say which file was changed, taken away or added', async () => {
    const page = await readFile(place.path(PAGE));
    const assertFails = async (reason: RegExp): Promise<void> => {
      const { status, err } = await place.pawl('verify', 'frozen', '--key', KEY);
      assert.equal(status, 1);
      assert.match(err.join('\n'), /CLI_DOCUMENTS_CHANGED/);
      assert.match(err.join('\n'), reason);
    };
    await writeFile(place.path(PAGE), Buffer.concat([page, Buffer.from(' ')]));
    await assertFails(/user-information\.html.*other bytes/s);
    await rename(place.path(PAGE), place.path('away.html'));
    await assertFails(/user-information\.html.*missing/s);
    await writeFile(place.path(PAGE), page);
    await writeFile(place.path('frozen/more.html'), 'x');
    await assertFails(/more\.html.*not frozen/s);
    await rm(place.path('frozen/more.html'));
    const manifest = await readFile(place.path('frozen/manifest.json'), 'utf8');
    await writeFile(place.path('frozen/manifest.json'), manifest.replace('"gaps": ', '"gaps": 1'));
    await assertFails(/manifest\.json.*other bytes/s);
    await writeFile(place.path('frozen/manifest.json'), manifest);
    assert.equal((await verify()).status, 0);
  });

  test('made again from the same records are the same; a changed record shows where', async () => {
    const again = await freeze('again', '--since', 'frozen');
    assert.deepEqual(again.json['changed'], []);
    const text = await readFile(place.path('p.yaml'), 'utf8');
    await writeFile(place.path('p.yaml'), text.replace('until: 2033-06-30', 'until: 2034-06-30'));
    const changed = (await freeze('changed', '--since', 'frozen')).json['changed'] as string[];
    for (const name of ['sensor/user-information.pdf', 'status-letter.html', 'sensor/security-architecture.html'])
      assert.ok(changed.includes(name), name);
    assert.ok(!changed.includes('sensor/en-18031-forms.pdf') && !changed.includes('supplier-inquiry.html'));
    assert.match((await freeze('changed')).err.join('\n'), /CLI_FILE_EXISTS/);
  });
});
