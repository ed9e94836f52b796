import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { defineCommand, type Io } from '../frame/command.ts';
import { Children } from './children.ts';
import { DEMO_ERRORS, DemoError } from './errors.ts';
import { makeDemoFolder } from './folder.ts';
import { Operator } from './operator.ts';
import { DemoView } from './view.ts';

function quietIo(print: (line: string) => void = () => undefined): Io {
  return {
    cwd: '/',
    env: {},
    stdin: Readable.from([]),
    isTty: false,
    isJson: false,
    print,
    note: () => undefined,
    draw: () => undefined,
    printJson: () => undefined,
    now: () => new Date(0),
    signal: new AbortController().signal,
  };
}

const isCode = (code: keyof typeof DEMO_ERRORS) => (error: unknown) =>
  error instanceof DemoError && error.code === code && error.advice === DEMO_ERRORS[code].advice;

describe("the demo's children", () => {
  let dir: string;
  let children: Children;
  const seen: string[] = [];
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'pawl-children-'));
    children = new Children({ cwd: dir, env: {}, onEvent: (child) => seen.push(child.name) });
    await writeFile(
      join(dir, 'talker.mjs'),
      `console.log('{"event":"up"}'); console.log('noise'); console.error('a complaint');
       process.stdin.on('data', (data) => console.log(JSON.stringify({ event: 'heard', text: data.toString().trim() })));`,
    );
    await writeFile(join(dir, 'quitter.mjs'), `console.error('cannot go on'); process.exitCode = 7;`);
  });
  after(async () => {
    await children.endAll();
    await rm(dir, { recursive: true });
  });

  test('speak in events, past ones included, and hear what is sent', async () => {
    const talker = children.start('talker', join(dir, 'talker.mjs'), []);
    await talker.waitFor('up', ({ event }) => event === 'up', 5000);
    await talker.waitFor('up again', ({ event }) => event === 'up', 5000);
    talker.send('hello');
    assert.equal((await talker.waitFor('echo', ({ event }) => event === 'heard', 5000))['text'], 'hello');
    assert.equal(talker.events.length, 2);
    assert.deepEqual(seen, ['talker', 'talker']);
    await assert.rejects(
      talker.waitFor('nothing', () => false, 10),
      isCode('DEMO_EVENT_MISSING'),
    );
    await talker.end('SIGKILL');
  });

  test('that end before their time are reported with their complaint', async () => {
    const quitter = children.start('quitter', join(dir, 'quitter.mjs'), []);
    await assert.rejects(
      quitter.waitFor('life', () => false, 5000),
      (error) => {
        assert.ok(isCode('DEMO_EVENT_MISSING')(error));
        assert.match(String(error), /the process ended \(7\)/);
        return true;
      },
    );
  });
});

describe("the demo's operator", () => {
  const failing = defineCommand({ summary: 's', example: 'e', run: async () => ({ exitCode: 1 as const }) });
  const telling = defineCommand({ summary: 's', example: 'e', run: async () => ({ json: { size: 2n ** 60n } }) });
  const table = {
    fail: { summary: 's', load: async () => failing },
    tell: { summary: 's', load: async () => telling },
  };

  test('gets what --json would print, and does not go on after a refusal', async () => {
    const shown: string[] = [];
    const options = {
      io: quietIo(),
      cwd: '/',
      env: {},
      onCommand: (words: readonly string[]) => shown.push(words.join(' ')),
    };
    const operator = new Operator(table, options);
    assert.deepEqual(await operator.run('tell'), { size: '1152921504606846976' });
    await assert.rejects(operator.runQuietly('fail'), isCode('DEMO_STEP_FAILED'));
    await assert.rejects(operator.runQuietly(), TypeError);
    assert.deepEqual(shown, ['tell']);
  });
});

test("the demo's folder is made anew only when a demo made it", async () => {
  const dir = await mkdtemp(join(tmpdir(), 'pawl-folder-'));
  await makeDemoFolder(dir);
  await writeFile(join(dir, 'old'), '');
  await makeDemoFolder(dir);
  // The parent of this process is alive, and it is not this process.
  await writeFile(join(dir, 'made-by-pawl-demo'), String(process.ppid));
  await assert.rejects(makeDemoFolder(dir), isCode('DEMO_RUNNING'));
  await rm(join(dir, 'made-by-pawl-demo'));
  await writeFile(join(dir, 'precious'), '');
  await assert.rejects(makeDemoFolder(dir), isCode('DEMO_FOLDER_FOREIGN'));
  await rm(dir, { recursive: true });
});

test("the demo's view is plain in a pipe and marks what differs", () => {
  const lines: string[] = [];
  const view = new DemoView(quietIo((line) => lines.push(line)));
  view.heading('Title');
  view.command(['seal', 'a b', '--x']);
  view.device('hub-1', 'confirmed', '1.0.0');
  view.result([
    { device: 'hub-1', step: 's', result: 'confirmed', code: '', assignmentId: 11, isExpected: true },
    { device: 'hub-2', step: 's', result: 'failed', code: 'X', assignmentId: 12, isExpected: false },
  ]);
  const text = lines.join('\n');
  assert.ok(!text.includes('\u001b'));
  assert.match(text, /\$ pawl seal 'a b' --x/);
  assert.match(text, /0\.0 s {2}hub-1 {2}confirmed {4}1\.0\.0/);
  assert.match(text, /hub-2 +s +failed +X +NOT AS EXPECTED/);
});
