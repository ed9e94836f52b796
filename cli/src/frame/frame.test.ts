import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { CodedError } from '@pawl/core/bytes';
import { defineCommand, type Io } from './command.ts';
import { CLI_ERRORS, CliError, type CliErrorCode } from './errors.ts';
import { describeFailure } from './failure.ts';
import type { CommandTable } from './parse.ts';
import { startProgress } from './progress.ts';
import { runCommandLine } from './run.ts';
import { renderTable } from './table.ts';

type Screen = { out: string[]; err: string[]; drawn: string[]; atMs: number; isTty: boolean };

function screenIo(screen: Screen, isJson: boolean): Io {
  return {
    cwd: '/',
    env: {},
    stdin: Readable.from([]),
    isTty: screen.isTty,
    isJson,
    print: (line) => screen.out.push(line),
    note: (line) => screen.err.push(line),
    draw: (text) => screen.drawn.push(text),
    printJson: (value) => screen.out.push(JSON.stringify(value)),
    now: () => new Date(screen.atMs),
    signal: new AbortController().signal,
  };
}

const paint = defineCommand({
  summary: 'paint a thing',
  positionals: [
    { name: 'THING', summary: 'what to paint' },
    { name: 'MORE', summary: 'more of them', optional: true, multiple: true },
  ],
  options: {
    colour: { type: 'string', value: 'NAME', summary: 'which colour', required: true },
    coats: { type: 'string', value: 'N', summary: 'how often', default: '1' },
    tool: { type: 'string', summary: 'with what', multiple: true },
    wet: { type: 'boolean', summary: 'leave it wet', short: 'w' },
  },
  example: 'pawl paint door --colour red',
  run: async ({ values, positionals }) => ({
    json: { ...values, positionals },
    text: [`${values.colour} ${positionals[0]}`],
  }),
});
const failing = (error: unknown) =>
  defineCommand({ summary: 'fail', example: 'pawl fail', run: () => Promise.reject(error) });

const table = (error: unknown = new Error('x')): CommandTable => ({
  paint: { summary: 'paint a thing', load: async () => paint },
  fail: { summary: 'fail', load: async () => failing(error) },
  set: { summary: 'a group', load: async () => ({ summary: 'a group', commands: { one: paint } }) },
});

async function run(words: string[], error?: unknown): Promise<{ status: number; out: string[]; err: string[] }> {
  const screen: Screen = { out: [], err: [], drawn: [], atMs: 0, isTty: false };
  const status = await runCommandLine(table(error), words, ({ isJson }) => screenIo(screen, isJson));
  return { status, out: screen.out, err: screen.err };
}

describe('the command line', () => {
  test('prints text, or one JSON line with --json', async () => {
    assert.deepEqual(await run(['paint', 'door', '--colour', 'red']), { status: 0, out: ['red door'], err: [] });
    const { out } = await run([
      'paint',
      'door',
      'gate',
      '--colour=red',
      '-w',
      '--tool',
      'brush',
      '--tool',
      'roll',
      '--json',
    ]);
    assert.deepEqual(JSON.parse(out[0]!), {
      json: true,
      help: false,
      colour: 'red',
      coats: '1',
      tool: ['brush', 'roll'],
      wet: true,
      positionals: ['door', 'gate'],
    });
  });

  test('shows help for the program, a group and a command, the last with an example', async () => {
    for (const words of [[], ['--help'], ['help']]) {
      const { status, out } = await run(words);
      assert.equal(status, 0);
      assert.match(out.join('\n'), /paint +paint a thing/);
    }
    assert.match((await run(['set'])).out.join('\n'), /pawl set one +paint a thing/);
    for (const words of [
      ['paint', '--help'],
      ['help', 'paint'],
      ['set', 'one', '-h'],
    ]) {
      const text = (await run(words)).out.join('\n');
      assert.match(text, /THING \[MORE\.\.\.\] \[OPTIONS\]/);
      assert.match(text, /-w, --wet/);
      assert.match(text, /which colour \(required\)/);
      assert.match(text, /Example:\n {2}pawl paint door --colour red/);
    }
  });

  test('ends with status 2 and two lines for a wrong command line', async () => {
    const cases: string[][] = [
      ['nothing'],
      ['toString'],
      ['set', 'two'],
      ['paint'],
      ['paint', 'door'],
      ['paint', 'door', '--colour'],
      ['paint', 'door', '--colour', 'red', '--size', '3'],
      ['fail', 'surplus'],
    ];
    for (const words of cases) {
      const { status, out, err } = await run(words);
      assert.equal(status, 2, words.join(' '));
      assert.equal(out.length, 0);
      assert.match(err[0]!, /^error: CLI_USAGE: /);
      assert.match(err[1]!, /^hint: /);
    }
  });

  test('maps refusals to 1, absent systems to 3, missing files to 2', async () => {
    const coded = (status: number) => new CodedError('SOME_CODE', { message: 'm', advice: 'a', status }, { at: 'x' });
    assert.equal((await run(['fail'], coded(400))).status, 1);
    assert.equal((await run(['fail'], coded(500))).status, 1);
    assert.equal((await run(['fail'], coded(503))).status, 3);
    const system = (code: string) => new TypeError('fetch failed', { cause: Object.assign(new Error('c'), { code }) });
    assert.equal((await run(['fail'], system('ECONNREFUSED'))).status, 3);
    assert.equal((await run(['fail'], system('ENOSPC'))).status, 3);
    assert.equal((await run(['fail'], system('ENOENT'))).status, 2);
    assert.equal((await run(['fail'], 'a string')).status, 3);
  });

  test('says what failed as JSON too, when asked', async () => {
    const { out, err } = await run(['fail', '--json'], new CliError('CLI_KEY_MISSING', { key: 'k' }));
    assert.equal(JSON.parse(out[0]!).error.code, 'CLI_KEY_MISSING');
    assert.match(err[0]!, /^error: CLI_KEY_MISSING: .*key "k"/);
  });

  test('has a class for each exit status of its own errors', () => {
    const statuses = Object.fromEntries(
      (Object.keys(CLI_ERRORS) as CliErrorCode[]).map((code) => [code, describeFailure(new CliError(code)).exitCode]),
    );
    assert.equal(statuses['CLI_RELEASE_MISMATCH'], 1);
    assert.equal(statuses['CLI_ROLLOUT_UNFINISHED'], 3);
    assert.equal(statuses['CLI_PASSPHRASE_MISSING'], 2);
  });
});

describe('output', () => {
  test('draws a progress bar on a terminal only, after a second, at most ten times a second', () => {
    const screen: Screen = { out: [], err: [], drawn: [], atMs: 0, isTty: true };
    const progress = startProgress(screenIo(screen, false), 'sealing', 10 * 1024 * 1024);
    for (let atMs = 0; atMs <= 2000; atMs += 10) {
      screen.atMs = atMs;
      progress.update(atMs * 5000);
    }
    assert.equal(screen.drawn.length, 11);
    assert.match(screen.drawn[10]!, /sealing \[#+\.*\] 95 % of 10\.0 MiB/);
    progress.end();
    assert.equal(screen.drawn.length, 12);
    const pipe: Screen = { ...screen, drawn: [], isTty: false };
    const silent = startProgress(screenIo(pipe, false), 'sealing', 0);
    pipe.atMs = 9000;
    silent.update(1);
    silent.end();
    assert.deepEqual(pipe.drawn, []);
  });

  test('aligns tables, and colours them on a terminal only', () => {
    const rows = [
      ['hub-1', { text: 'confirmed', tone: 'good' as const }, ''],
      ['h', 'x', 'CODE'],
    ];
    assert.deepEqual(renderTable(false, ['device', 'state', 'code'], rows), [
      'device  state      code',
      'hub-1   confirmed',
      'h       x          CODE',
    ]);
    assert.match(renderTable(true, ['device'], rows)[1]!, /^hub-1/);
  });
});
