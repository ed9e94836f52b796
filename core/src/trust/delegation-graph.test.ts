import assert from 'node:assert/strict';
import test from 'node:test';
import { PrivateKey } from '../crypto/index.ts';
import { TRUST_LIMITS } from './limits.ts';
import type { Metadata, Targets } from './metadata.ts';
import { newSnapshot } from './produce-freshness.ts';
import { newTargets, withDelegation, withTarget } from './produce-targets.ts';
import { metadataFileName } from './refresh.ts';
import { signMetadata } from './sign-metadata.ts';
import { day, MemoryPersistence, RepositorySimulator } from './simulator.ts';

type Edge = { readonly role: string; readonly paths: readonly string[]; readonly terminating?: boolean };
/** Role -> what it lists and to whom it delegates, in order of trust. */
type Graph = Readonly<Record<string, { readonly lists?: readonly string[]; readonly to?: readonly Edge[] }>>;

const PATH = 'a/b';

/** A repository whose targets role and all delegated ones are made after the graph; all delegated roles share one key. */
async function publish(graph: Graph): Promise<RepositorySimulator> {
  const simulator = await RepositorySimulator.start();
  const [signer] = simulator.lineKeys;
  const roles = new Map<string, Uint8Array>();
  for (const [role, { lists = [], to = [] }] of Object.entries(graph)) {
    let made: Metadata<Targets> = newTargets({ expiresAt: day(100) });
    // The size says which role answered.
    const sizeBytes = Object.keys(graph).indexOf(role);
    for (const path of lists) made = withTarget(made, { path, sizeBytes, sha256: new Uint8Array(32) });
    for (const { role: child, paths, terminating } of to) {
      made = withDelegation(made, {
        role: child,
        keys: [signer!.publicKey],
        paths,
        terminating: terminating ?? false,
      });
    }
    const bytes = await signMetadata(made, role === 'targets' ? simulator.keys.targets : [signer!]);
    roles.set(role, bytes);
    simulator.files.set(metadataFileName(role, 1), bytes);
  }
  await simulator.publishSnapshot(newSnapshot({ expiresAt: day(14), roles }));
  await simulator.publishTimestamp(0);
  simulator.requests.length = 0;
  return simulator;
}

async function search(simulator: RepositorySimulator, path = PATH): Promise<{ role?: string; asked: string[] }> {
  const persist = new MemoryPersistence();
  const trusted = await simulator.refresh(persist, 1, { roles: [], paths: [path] });
  const role = trusted.findTarget(path)?.role;
  return { ...(role === undefined ? {} : { role }), asked: simulator.requests.slice(4) };
}

test('asks the roles depth first, in order of trust', async () => {
  const all = ['*/*'];
  const graph: Graph = {
    targets: {
      to: [
        { role: 'A', paths: all },
        { role: 'B', paths: all },
      ],
    },
    A: { to: [{ role: 'C', paths: all }] },
    B: { lists: [PATH] },
    C: { to: [{ role: 'D', paths: all }] },
    D: {},
  };
  const { role, asked } = await search(await publish(graph));
  assert.equal(role, 'B');
  assert.deepEqual(asked, ['1.A.json', '1.C.json', '1.D.json', '1.B.json']);
});

test('passes over roles that may not speak for the path', async () => {
  const graph: Graph = {
    targets: {
      to: [
        { role: 'A', paths: ['x/*'] },
        { role: 'B', paths: ['a/*'] },
      ],
    },
    A: { lists: [PATH] },
    B: { lists: [PATH] },
  };
  const { role, asked } = await search(await publish(graph));
  assert.equal(role, 'B');
  assert.deepEqual(asked, ['1.B.json']);
});

test('ends the search at a terminating delegation', async () => {
  const graph: Graph = {
    targets: {
      to: [
        { role: 'A', paths: ['*/*'] },
        { role: 'B', paths: ['*/*'] },
      ],
    },
    A: {
      to: [
        { role: 'C', paths: ['a/*'], terminating: true },
        { role: 'D', paths: ['a/*'] },
      ],
    },
    B: { lists: [PATH] },
    C: {},
    D: { lists: [PATH] },
  };
  const { role, asked } = await search(await publish(graph));
  assert.equal(role, undefined);
  assert.deepEqual(asked, ['1.A.json', '1.C.json']);
});

test('visits a role once, so a circle of delegations ends', async () => {
  const all = ['*/*'];
  const graph: Graph = {
    targets: { to: [{ role: 'A', paths: all }] },
    A: { to: [{ role: 'B', paths: all }] },
    B: {
      to: [
        { role: 'A', paths: all },
        { role: 'C', paths: all },
      ],
    },
    C: { lists: [PATH] },
  };
  assert.deepEqual(await search(await publish(graph)), { role: 'C', asked: ['1.A.json', '1.B.json', '1.C.json'] });
});

test('gives up on a graph that is larger than the limit', async () => {
  const graph: Record<string, Graph[string]> = {};
  for (let at = 0; at <= TRUST_LIMITS.delegationsVisitedMax + 1; at += 1) {
    graph[at === 0 ? 'targets' : `r${at}`] = { to: [{ role: `r${at + 1}`, paths: ['*/*'] }] };
  }
  graph[`r${TRUST_LIMITS.delegationsVisitedMax + 2}`] = { lists: [PATH] };
  await assert.rejects(search(await publish(graph)), { code: 'TRUST_DELEGATIONS_EXCEEDED' });
});

test('does not answer past a role that is not loaded', async () => {
  const graph: Graph = {
    targets: {
      to: [
        { role: 'A', paths: ['*/*'] },
        { role: 'B', paths: ['*/*'] },
      ],
    },
    A: {},
    B: { lists: [PATH] },
  };
  const simulator = await publish(graph);
  const trusted = await simulator.refresh(new MemoryPersistence(), 1, { roles: ['B'] });
  assert.throws(() => trusted.findTarget(PATH), { code: 'TRUST_ROLE_NOT_LOADED' });
});

test('loads a role for each parent that vouches for it, and only as one file', async () => {
  const graph: Graph = {
    targets: {
      to: [
        { role: 'A', paths: ['a/*'] },
        { role: 'C', paths: ['c/*'] },
      ],
    },
    A: { to: [{ role: 'C', paths: ['a/*'] }] },
    C: { lists: [PATH, 'c/d'] },
  };
  const simulator = await publish(graph);
  const trusted = await simulator.refresh(new MemoryPersistence(), 1, { roles: [], paths: [PATH, 'c/d'] });
  assert.equal(trusted.findTarget(PATH)?.role, 'C');
  assert.equal(trusted.findTarget('c/d')?.role, 'C');
});

test('quotes hostile role names in what it fetches and saves', async () => {
  for (const role of ['?', '#', '/delegatedrole', '../delegatedrole']) {
    const graph: Graph = { targets: { to: [{ role, paths: ['*/*'] }] }, [role]: { lists: [PATH] } };
    const simulator = await publish(graph);
    const persist = new MemoryPersistence();
    await simulator.refresh(persist, 1, { roles: [role] });
    const name = `${encodeURIComponent(role)}.json`;
    assert.equal(simulator.requests.at(-1), `1.${name}`);
    assert.equal(persist.files.has(name), true);
    assert.equal(name.includes('/'), false);
  }
});

test('refuses a role that was signed by another key than its parent names', async () => {
  const simulator = await publish({ targets: { to: [{ role: 'A', paths: ['*/*'] }] }, A: { lists: [PATH] } });
  const bytes = simulator.file('1.A.json');
  const forged = await signMetadata(newTargets({ expiresAt: day(100) }), [PrivateKey.generate('Ed25519')]);
  simulator.files.set('1.A.json', forged);
  await assert.rejects(search(simulator), {
    code: forged.length > bytes.length ? 'TRUST_LENGTH_EXCEEDED' : 'TRUST_LENGTH_MISMATCH',
  });
});
