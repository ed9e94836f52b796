import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { COMMANDS } from '../src/commands/index.ts';
import { isGroup } from '../src/frame/command.ts';

const MAIN = resolve(import.meta.dirname, '../bin/pawl.js');

function run(
  nodeOptions: readonly string[],
  ...words: string[]
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [...nodeOptions, MAIN, ...words], { encoding: 'utf8' });
}

describe('pawl', () => {
  test('says in a sentence that Node is too old, before it loads anything', () => {
    const older = `data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'24.11.1'}})`;
    const { status, stdout, stderr } = run(['--import', older]);
    assert.equal(status, 3);
    assert.equal(stdout, '');
    assert.match(stderr, /^error: Pawl needs Node 24\.12 or newer; this is 24\.11\.1\nhint: /);
  });

  test('keeps results on standard output and the rest on standard error', () => {
    const good = run([], '--help');
    assert.equal(good.status, 0);
    assert.match(good.stdout, /^pawl: /);
    assert.equal(good.stderr, '');
    const bad = run([], 'nonsense', '--json');
    assert.equal(bad.status, 2);
    assert.equal(JSON.parse(bad.stdout).error.code, 'CLI_USAGE');
    assert.match(bad.stderr, /^error: CLI_USAGE: .*\nhint: .*\n$/);
  });

  test('has a summary, an example and described options for every command', async () => {
    for (const [name, row] of Object.entries(COMMANDS)) {
      assert.match(row.summary, /^[a-z].*[^.]$/, name);
      const entry = await row.load();
      const commands = isGroup(entry) ? Object.entries(entry.commands) : [['', entry] as const];
      for (const [word, { example, summary, options }] of commands) {
        const full = `pawl ${name}${word === '' ? '' : ` ${word}`}`;
        assert.ok(example.startsWith(full), `${full}: ${example}`);
        assert.match(summary, /^[a-z].*[^.]$/, full);
        for (const [option, spec] of Object.entries(options ?? {}))
          assert.notEqual(spec.summary, '', `${full} --${option}`);
        // Every option that the example uses exists.
        for (const [, used] of example.matchAll(/ --([a-z][a-z0-9-]*)/g)) {
          assert.ok(used !== undefined && Object.hasOwn(options ?? {}, used), `${full}: --${used}`);
        }
      }
    }
  });
});
