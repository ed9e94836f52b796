import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideRollout } from './rollout.ts';

test('a stopped or finished rollout stays what it is', () => {
  for (const verb of ['start', 'pause', 'resume', 'stop', 'finish'] as const) {
    assert.equal(decideRollout('stopped', verb), undefined);
    assert.equal(decideRollout('finished', verb), undefined);
  }
});

test('a rollout starts once, pauses and resumes, and can be stopped until it ends', () => {
  assert.equal(decideRollout('ready', 'start'), 'running');
  assert.equal(decideRollout('running', 'start'), undefined);
  assert.equal(decideRollout('running', 'pause'), 'paused');
  assert.equal(decideRollout('paused', 'resume'), 'running');
  assert.equal(decideRollout('ready', 'resume'), undefined);
  for (const state of ['ready', 'running', 'paused'] as const) assert.equal(decideRollout(state, 'stop'), 'stopped');
});
