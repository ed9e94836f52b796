/**
 * A story from the login of a person to the confirmed update of two devices, each request of which may lose one write. Who
 * asks is told 5xx and asks again, the same; where the server cannot tell that from a new request (it has shown a secret,
 * or the name is taken), the story does what a person would: looks, and ends what is too many.
 */
import assert from 'node:assert/strict';
import { ManagementClient } from '@pawl/contract/client';
import type { EnrolResponse } from '@pawl/contract/device';
import { isEqualBytes } from '@pawl/core/bytes';
import { PrivateKey } from '@pawl/core/crypto';
import { tickRollouts } from '../src/jobs/rollouts.ts';
import { feedback, ScriptedDevice } from './ddi-device.ts';
import type { FaultServer, SignedImage } from './fault-server.ts';
import type { Fault } from './faulty-database.ts';
import { sha256Hex } from './line-repository.ts';
import { enrolBody, signReport } from './pawl-device.ts';
import { exchange, type RawAnswer } from './raw-http.ts';

const ARTIFACT = 'image.swu';
const VERSION = '1.0.0';
const STATES = ['downloading', 'verified', 'staged', 'trial', 'confirmed'] as const;

/** A device's answer as the management client tells it. */
async function taken(sent: Promise<RawAnswer>): Promise<RawAnswer> {
  const answer = await sent;
  if (answer.status < 400) return answer;
  const problem = answer.json<{ code?: string; errorCode?: string }>();
  assert.equal(typeof (problem.code ?? problem.errorCode), 'string', answer.text);
  throw Object.assign(new Error(answer.text), { status: answer.status, code: problem.code ?? problem.errorCode });
}

const isCode = (error: unknown, code: string): boolean => (error as { code?: unknown }).code === code;

export class FaultStory {
  /** Names everything of this story: its line, its devices, its rollout. */
  readonly name: string;
  readonly fired: string[] = [];
  readonly #server: FaultServer;
  readonly #image: SignedImage;
  readonly #fault: { readonly kind: Fault; readonly n: number } | undefined;
  readonly #person: ManagementClient;
  rolloutId = 0;

  constructor(
    server: FaultServer,
    image: SignedImage,
    name: string,
    fault?: { readonly kind: Fault; readonly n: number },
  ) {
    this.#server = server;
    this.#image = image;
    this.name = name;
    this.#fault = fault;
    this.#person = server.operator;
  }

  /** Sends a request of which a write may fail; then it is sent again. `repeated`: what the second one may be refused with. */
  async #step<T>(
    at: string,
    act: () => Promise<T>,
    repeated?: { readonly code: string; readonly find: () => Promise<T> },
  ) {
    if (this.#fault === undefined) return await act();
    const { database } = this.#server;
    database.arm(this.#fault.kind, this.#fault.n);
    const [end] = await Promise.allSettled([act()]);
    const hasFired = database.disarm();
    if (!hasFired && end.status === 'fulfilled') return end.value;
    // A poll that fails is answered by the framework's own route, which begins anew; what the engine of rollouts does after
    // the act is its job's, whatever happens here.
    const isHealed = at.endsWith('poll') || this.#fault.n > 0;
    if (end.status === 'fulfilled' && isHealed) this.fired.push(at);
    if (end.status === 'fulfilled' && isHealed) return end.value;
    if (end.status === 'fulfilled') assert.fail(`${at}: a write failed, and the answer says nothing of it`);
    assert.ok(hasFired, `${at}: ${String(end.reason)}`);
    this.fired.push(at);
    const { status, code } = end.reason as { status?: number; code?: string };
    // What was committed, but not said so, is found under its key: the request was begun, and nobody knows its answer.
    const isBegun = this.#fault.kind === 'answer-lost' && code === 'API_REPEAT_UNANSWERED';
    const expected = isBegun ? [409, 'API_REPEAT_UNANSWERED'] : [503, 'STORE_UNREACHABLE'];
    assert.deepEqual([status, code], expected, `${at}: ${String(end.reason)}`);
    try {
      return await act();
    } catch (error) {
      if (repeated === undefined || !isCode(error, repeated.code)) throw error;
      assert.equal(
        this.#fault.kind === 'answer-lost' || this.#fault.n > 0,
        true,
        `${at}: refused, and nothing was done`,
      );
      return await repeated.find();
    }
  }

  async run(): Promise<void> {
    await this.#logIn();
    const releaseId = await this.#publish();
    const foreign = await this.#addDevice();
    const pawl = await this.#enrol();
    this.rolloutId = await this.#startRollout(releaseId);
    await tickRollouts(this.#server.ports);
    await this.#update(foreign);
    await this.#confirm(pawl);
    await tickRollouts(this.#server.ports);
    assert.equal((await this.#person.call('getRollout', { params: { id: this.rolloutId } })).state, 'finished');
    await this.#makeAndRevokeToken();
    for (const { script } of [foreign, pawl]) script.close();
  }

  /** The claim of a person is good once: when its answer is lost, the token is seen, is revoked, and there is a new claim. */
  async #logIn(): Promise<void> {
    const { operator, url } = this.#server;
    const invited = await this.#step('invitePerson', () =>
      operator.call('invitePerson', { body: { name: this.name, roles: ['admin'] } }),
    );
    const enter = (claim: string) => new ManagementClient({ url }).call('login', { body: { claim, label: this.name } });
    const { token } = await this.#step('login', () => enter(invited.claim), {
      code: 'CLAIM_INVALID',
      find: async () => {
        const lost = await this.#tokens(this.name);
        assert.equal(lost.length, 1);
        await operator.call('revokeToken', { params: { tokenId: lost[0] ?? '' } });
        const again = await operator.call('inviteAgain', { params: { id: invited.person.id }, body: {} });
        return await enter(again.claim);
      },
    });
    assert.equal((await this.#tokens(this.name)).length, 1);
    await new ManagementClient({ url, token }).call('getMe', {});
  }

  async #tokens(label: string): Promise<string[]> {
    const { items } = await this.#server.operator.call('listTokens', {});
    return items.filter((item) => item.label === label).map(({ id }) => id);
  }

  async #publish(): Promise<number> {
    const { swu, certificatePem } = this.#image;
    const line = { params: { line: this.name }, body: { certificatesPem: [certificatePem] } };
    await this.#step('putLine', () => this.#person.call('putLine', line));
    const artifacts = [{ name: ARTIFACT, sizeBytes: swu.length, sha256: sha256Hex(swu) }];
    const body = { line: this.name, version: VERSION, kind: 'foreign' as const, artifacts };
    const find = async () => {
      const { items } = await this.#person.call('listReleases', { query: { line: this.name } });
      assert.equal(items.length, 1);
      return items[0] ?? assert.fail();
    };
    const make = () => this.#person.call('createRelease', { body });
    const { id } = await this.#step('createRelease', make, { code: 'RELEASE_EXISTS', find });
    const params = { id, name: ARTIFACT };
    await this.#step('putArtifact', () =>
      this.#person.call('putArtifact', { params, body: swu, sizeBytes: swu.length }),
    );
    await this.#step('publishRelease', () => this.#person.call('publishRelease', { params: { id }, body: {} }));
    const release = await find();
    assert.deepEqual([release.state, release.artifacts[0]?.isUploaded], ['published', true]);
    return id;
  }

  /** When its token is lost, the device is seen and ended; another name is free. */
  async #addDevice(): Promise<{ script: ScriptedDevice }> {
    const add = async (controllerId: string) => {
      const devices = [{ controllerId, model: 'hub', line: this.name }];
      const answer = await this.#person.call('addDevices', { body: { devices } });
      return { controllerId, token: answer.devices[0]?.token ?? '' };
    };
    const name = `${this.name}-f`;
    const find = async () => {
      await this.#person.call('decommissionDevice', { params: { controllerId: name } });
      return await add(`${name}2`);
    };
    const added = await this.#step('addDevices', () => add(name), { code: 'DEVICE_EXISTS', find });
    return { script: new ScriptedDevice(this.#server.url, added.controllerId, added.token) };
  }

  async #enrol() {
    const { url } = this.#server;
    const controllerId = `${this.name}-p`;
    // A claim whose answer was lost is good for nobody; the device takes the next one.
    const { claim } = await this.#step('createClaim', () =>
      this.#person.call('createClaim', { body: { controllerId, model: 'hub', line: this.name } }),
    );
    const key = PrivateKey.generate('ESP256');
    const body = JSON.stringify(await enrolBody(claim, key));
    const headers = { 'content-type': 'application/json' };
    const post = () => taken(exchange(`${url}/default/pawl/v1/enrol`, { method: 'POST', headers, body }));
    const { token } = (await this.#step('enrol', post)).json<EnrolResponse>();
    return { script: new ScriptedDevice(url, controllerId, token), key };
  }

  /** A rollout made twice is two: both are whole, and the person stops the one that nobody asked for. */
  async #startRollout(releaseId: number): Promise<number> {
    const body = { name: this.name, releaseId, filter: `name:${this.name}-*` };
    const { id } = await this.#step('createRollout', () => this.#person.call('createRollout', { body }));
    const { items } = await this.#person.call('listRollouts', { query: {} });
    const same = items.filter(({ name }) => name === this.name);
    for (const { state, devices } of same) assert.deepEqual([state, devices], ['ready', 2]);
    for (const other of same.filter((item) => item.id !== id)) {
      assert.equal(this.#fault?.kind, 'answer-lost');
      await this.#person.call('changeRollout', { params: { id: other.id, verb: 'stop' }, body: {} });
    }
    const find = () => this.#person.call('getRollout', { params: { id } });
    const start = () => this.#person.call('changeRollout', { params: { id, verb: 'start' }, body: {} });
    await this.#step('changeRollout', start, { code: 'ROLLOUT_STATE_UNSUITABLE', find });
    return id;
  }

  async #link(script: ScriptedDevice, name: string): Promise<string> {
    const poll = (await taken(script.send(''))).json<{ _links: Record<string, { href: string } | undefined> }>();
    return poll._links[name]?.href ?? assert.fail(`no link ${name}: ${JSON.stringify(poll)}`);
  }

  async #update({ script }: { readonly script: ScriptedDevice }): Promise<void> {
    const href = await this.#step('poll', () => this.#link(script, 'deploymentBase'));
    type Deployment = { deployment: { chunks: { artifacts: { _links: Record<string, { href: string }> }[] }[] } };
    const got = await this.#step('getDeployment', () => taken(script.send(href)));
    const file = got.json<Deployment>().deployment.chunks[0]?.artifacts[0]?._links['download-http']?.href ?? '';
    const bytes = await this.#step('download', () => taken(script.send(file)));
    assert.ok(isEqualBytes(bytes.body, this.#image.swu));
    const path = `/deploymentBase/${/([0-9]+)(\?|$)/.exec(href)?.[1]}/feedback`;
    for (const [execution, finished] of [
      ['proceeding', 'none'],
      ['closed', 'success'],
    ] as const) {
      await this.#step(`feedback ${execution}`, () => taken(script.post(path, feedback(execution, finished))));
    }
    // The client that lost the answer of all: once more, much later.
    await taken(script.post(path, feedback('closed', 'success')));
  }

  async #confirm({ script, key }: { readonly script: ScriptedDevice; readonly key: PrivateKey }): Promise<void> {
    const href = await this.#step('first poll', () => this.#link(script, 'report'));
    const { items } = await this.#person.call('listAssignments', { query: { controllerId: `${this.name}-p` } });
    assert.equal(items.length, 1);
    const fixed = { sequenceNumber: 1, securityCounter: '1', slot: 0, journalHead: 'ab'.repeat(32) };
    const headers = { 'content-type': 'application/vnd.dsse+json' };
    for (const [index, state] of STATES.entries()) {
      const at = this.#server.ports.now().toISOString();
      const word = {
        ...fixed,
        assignmentId: items[0]?.id ?? 0,
        counter: index + 1,
        state,
        version: VERSION,
        floor: '1',
        at,
      };
      const subject = [{ name: `device/${this.name}-p`, digest: { sha256: 'ab'.repeat(32) } }];
      const body = await signReport(key, word, { subject });
      const send = () => taken(script.send(href, { method: 'POST', headers, body }));
      // Progress that was taken and comes again is known by its counter; the last word is taken again as often as it comes.
      const find = () => Promise.resolve(undefined);
      const known = state === 'confirmed' ? undefined : { code: 'REPORT_REPLAYED', find };
      await this.#step<unknown>(`report ${state}`, send, known);
    }
  }

  /** A token whose answer was lost is one too many: it is in the list, and is revoked. */
  async #makeAndRevokeToken(): Promise<void> {
    const label = `${this.name} machine`;
    await this.#step('createToken', () => this.#person.call('createToken', { body: { label, role: 'viewer' } }));
    const made = await this.#tokens(label);
    // When only keeping the answer failed, the act was done and said once.
    const isLost = this.#fault?.kind === 'answer-lost' && this.#fault.n === 0;
    const isDouble = isLost && this.fired.at(-1) === 'createToken';
    assert.equal(made.length, isDouble ? 2 : 1);
    for (const tokenId of made) {
      const revoke = () => this.#person.call('revokeToken', { params: { tokenId } });
      await this.#step('revokeToken', revoke, {
        code: 'TOKEN_UNKNOWN',
        find: () => Promise.resolve({} as Awaited<ReturnType<typeof revoke>>),
      });
    }
    assert.deepEqual(await this.#tokens(label), []);
  }
}
