import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ddiDeploymentBase, ddiPoll } from '@pawl/contract/device';
import { confirmationBaseDocument, deploymentDocument, type PollView, pollDocument } from './documents.ts';
import { linksOf } from './links.ts';

const ZEPHYR_BYTES_MAX = 1100;

const links = linksOf('https://firmware-updates.example.com:8443', 'default', 'nrf52840dk_nrf52840-0123456789abcdef');
const NOTHING: PollView = {
  offer: undefined,
  installedActionId: undefined,
  isAttributesWanted: false,
  hasKey: false,
  isAttestationWanted: false,
  sleepS: 300,
};
const release = {
  id: 2_000_000_000,
  line: 'a-line-name-of-thirty-two-letters',
  version: '12.34.56-rc.1',
  kind: 'foreign' as const,
  artifacts: [
    {
      fileName: 'zephyr-signed-application-image-12.34.56-rc.1.bin',
      sizeBytes: 999_999_999,
      sha1: 'a'.repeat(40),
      md5: 'b'.repeat(32),
      sha256: 'c'.repeat(64),
      createdAt: new Date(0),
    },
  ],
};

test('answers a poll with nothing to do by the sleep time alone', () => {
  assert.deepEqual(pollDocument(NOTHING, links), { config: { polling: { sleep: '00:05:00' } }, _links: {} });
});

test('gives Pawl its own links only to a device with a key', () => {
  const document = pollDocument({ ...NOTHING, hasKey: true }, links);
  assert.deepEqual(Object.keys(document._links), ['trust', 'report']);
  const asked = pollDocument({ ...NOTHING, isAttestationWanted: true, hasKey: true }, links);
  assert.deepEqual(Object.keys(asked._links), ['trust', 'report', 'attest']);
  assert.ok(ddiPoll.safeParse(asked).success);
  assert.deepEqual(pollDocument({ ...NOTHING, isAttestationWanted: true }, links)._links, {});
});

test('keeps poll and deployment below the buffer of the smallest client', () => {
  const poll = pollDocument(
    {
      ...NOTHING,
      isAttributesWanted: true,
      installedActionId: 2_000_000_001,
      offer: { kind: 'deploymentBase', actionId: 2_000_000_002, isForced: true },
    },
    links,
  );
  assert.ok(ddiPoll.safeParse(poll).success);
  assert.ok(JSON.stringify(poll).length < ZEPHYR_BYTES_MAX);
  const deployment = deploymentDocument({ id: 2_000_000_002, isForced: true, release, history: undefined }, links);
  assert.ok(ddiDeploymentBase.safeParse(deployment).success);
  assert.ok(JSON.stringify(deployment).length < ZEPHYR_BYTES_MAX, String(JSON.stringify(deployment).length));
});

test('changes the cache-buster when soft becomes forced, and gives other links no query', () => {
  const of = (isForced: boolean) =>
    pollDocument({ ...NOTHING, offer: { kind: 'deploymentBase', actionId: 17, isForced } }, links)._links.deploymentBase
      ?.href;
  assert.notEqual(of(true), of(false));
  const cancel = pollDocument({ ...NOTHING, offer: { kind: 'cancelAction', actionId: 17, isForced: true } }, links);
  assert.match(cancel._links.cancelAction?.href ?? '', /\/cancelAction\/17$/);
});

test('shows whether consent is given in advance', () => {
  const off = confirmationBaseDocument(undefined, undefined, links);
  assert.deepEqual([off.autoConfirm, Object.keys(off._links)], [{ active: false }, ['activateAutoConfirm']]);
  const on = confirmationBaseDocument(
    { initiator: 'owner', remark: undefined, activatedAt: new Date(5) },
    { kind: 'confirmationBase', actionId: 17, isForced: false },
    links,
  );
  assert.deepEqual(on.autoConfirm, { active: true, initiator: 'owner', activatedAt: 5 });
  assert.deepEqual(Object.keys(on._links), ['deactivateAutoConfirm', 'confirmationBase']);
});
