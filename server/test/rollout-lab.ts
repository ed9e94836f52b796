/**
 * The engine of rollouts over a real database in a folder of its own, with a clock that only the test moves and devices
 * that say what the test makes them say. No HTTP: the acts themselves. With PAWL_TEST_POSTGRES, over PostgreSQL.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewRollout, Rollout } from '@pawl/contract/management';
import { PrivateKey } from '@pawl/core/crypto';
import { settleRollouts } from '../src/acts/engine.ts';
import { ServerLife } from '../src/acts/life.ts';
import { noteProof } from '../src/acts/member.ts';
import type { ServerPorts } from '../src/acts/ports.ts';
import { changeRollout, createRollout } from '../src/acts/rollout.ts';
import { Sealer } from '../src/acts/sealer.ts';
import { applyEvent, rolloutsOf, type Transition } from '../src/acts/transition.ts';
import { FolderBlobs } from '../src/blobs/folder-blobs.ts';
import type { Actor } from '../src/domain/actor.ts';
import type { AssignmentEvent } from '../src/domain/assignment.ts';
import type { RolloutVerb } from '../src/domain/rollout.ts';
import { EGRESS_DEFAULT } from '../src/egress/post.ts';
import { tickRollouts } from '../src/jobs/rollouts.ts';
import { ensureTenant } from '../src/store/access.ts';
import { findActive, findAssignment, updateAssignment } from '../src/store/assignments.ts';
import type { Database } from '../src/store/database.ts';
import { findDevice, insertDevice, updateDevice } from '../src/store/devices.ts';
import { openPostgres } from '../src/store/postgres-database.ts';
import { findRollout, rolloutView } from '../src/store/rollouts.ts';
import type { AssignmentTable } from '../src/store/schema/index.ts';
import { openSqlite } from '../src/store/sqlite-database.ts';
import { databaseOf } from './postgres.ts';

const LINE = 'hub';
const START_MS = Date.parse('2026-03-01T12:00:00Z');

async function openStore(folder: string, cluster: string | undefined): Promise<Database> {
  const { database } = await databaseOf(folder, cluster);
  return database === undefined ? openSqlite(folder) : await openPostgres(database);
}

export class RolloutLab {
  readonly ports: ServerPorts;
  readonly tenantId: number;
  readonly releaseId: number;
  readonly actor: Actor;
  readonly #folder: string;
  readonly #clock: { nowMs: number };
  readonly #cluster: string | undefined;

  private constructor(
    { folder, cluster }: { readonly folder: string; readonly cluster: string | undefined },
    ports: ServerPorts,
    clock: { nowMs: number },
    ids: { readonly tenantId: number; readonly releaseId: number },
  ) {
    this.#folder = folder;
    this.#cluster = cluster;
    this.#clock = clock;
    this.ports = ports;
    this.tenantId = ids.tenantId;
    this.releaseId = ids.releaseId;
    this.actor = {
      tenantId: ids.tenantId,
      id: 'token/test',
      label: 'test',
      personId: undefined,
      makerPersonId: undefined,
      credential: 'token/test',
      permissions: new Set(),
      lines: undefined,
      endsMs: undefined,
    };
  }

  /** Over SQLite, or over a cluster of PostgreSQL by its address. */
  static async open(cluster = process.env['PAWL_TEST_POSTGRES']): Promise<RolloutLab> {
    const folder = await mkdtemp(join(tmpdir(), 'pawl-rollouts-'));
    const clock = { nowMs: START_MS };
    const key = PrivateKey.generate('Ed25519');
    const database = await openStore(folder, cluster);
    const ports: ServerPorts = {
      database,
      blobs: new FolderBlobs(`${folder}/blobs`),
      keys: { ledger: key, snapshot: key, timestamp: key },
      ledgerOrigin: 'test',
      site: () => undefined,
      challengeSecret: 'no challenges here',
      sealer: new Sealer('a secret of a test', () => new Uint8Array(randomBytes(12))),
      now: () => new Date(clock.nowMs),
      newSecret: () => 'secret',
      chance: () => 0,
      life: new ServerLife(),
      egress: EGRESS_DEFAULT,
    };
    const tenantId = await database.write((trx) => ensureTenant(trx, 'default'));
    const place = { folder, cluster };
    const lab = new RolloutLab(place, ports, clock, { tenantId, releaseId: 0 });
    const releaseId = await lab.publish('1.0.0');
    return new RolloutLab(place, ports, clock, { tenantId, releaseId });
  }

  /** Another server process on the same database, with the same clock. */
  async another(): Promise<ServerPorts> {
    return { ...this.ports, database: await openStore(this.#folder, this.#cluster) };
  }

  async close(): Promise<void> {
    await this.ports.database.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** A release as if it had been published. */
  publish(version: string, securityCounter?: number): Promise<number> {
    return this.ports.database.write(async (trx) => {
      const { id } = await trx
        .insertInto('release')
        .values({
          tenant_id: this.tenantId,
          line: LINE,
          version,
          kind: 'foreign',
          state: 'published',
          sequence_number: null,
          security_counter: securityCounter === undefined ? null : String(securityCounter),
          statement: null,
          created_ms: START_MS,
          published_ms: START_MS,
          image_sha256: '0'.repeat(64),
        })
        .returning('id')
        .executeTakeFirstOrThrow();
      const sha256 = version.replace(/\D/g, '').padEnd(64, '0');
      const artifact = { release_id: id, name: 'image', size_bytes: 1, sha256, sha1: null, md5: null, uploaded_ms: 1 };
      await trx.insertInto('artifact').values(artifact).execute();
      return id;
    });
  }

  get nowMs(): number {
    return this.#clock.nowMs;
  }

  at(seconds: number): string {
    return new Date(this.nowMs + seconds * 1000).toISOString();
  }

  async addDevice(controllerId: string, tags: readonly string[] = [], model = 'm'): Promise<void> {
    await this.ports.database.write(async (trx) => {
      const row = { model, line: LINE, kind: 'foreign' as const, tokenSha256: undefined, nowMs: this.nowMs };
      await insertDevice(trx, { tenantId: this.tenantId, controllerId, tags, ...row });
    });
  }

  /** Devices `<prefix>-0` and so on. */
  async addDevices(prefix: string, count: number): Promise<string[]> {
    const names = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
    for (const name of names) await this.addDevice(name);
    return names;
  }

  create(input: Partial<NewRollout> = {}): Promise<Rollout> {
    return createRollout(this.ports, this.actor, { name: 'r', releaseId: this.releaseId, filter: '', ...input });
  }

  change(id: number, verb: RolloutVerb): Promise<Rollout> {
    return changeRollout(this.ports, this.actor, id, verb);
  }

  async start(input: Partial<NewRollout> = {}): Promise<Rollout> {
    return await this.change((await this.create(input)).id, 'start');
  }

  show(id: number): Promise<Rollout> {
    return this.ports.database.write(async (trx) => {
      const row = await findRollout(trx, this.tenantId, id);
      if (row === undefined) throw new TypeError('the test made the rollout');
      return await rolloutView(trx, row);
    });
  }

  /** Time passes, and the job runs. */
  async tick(seconds = 0): Promise<void> {
    this.#clock.nowMs += seconds * 1000;
    await tickRollouts(this.ports);
  }

  async activeOf(controllerId: string): Promise<AssignmentTable | undefined> {
    return await this.ports.database.write(async (trx) => {
      const device = await findDevice(trx, this.tenantId, controllerId);
      return device === undefined ? undefined : await findActive(trx, device.id);
    });
  }

  /** Those of the devices that have an active assignment of the rollout. */
  async offeredOf(id: number): Promise<string[]> {
    const rows = await this.ports.database.read
      .selectFrom('assignment')
      .innerJoin('device', 'device.id', 'assignment.device_id')
      .select('device.controller_id')
      .where('assignment.rollout_id', '=', id)
      .where('assignment.active', '=', 1)
      .orderBy('assignment.id')
      .execute();
    return rows.map((row) => row.controller_id);
  }

  /** The device says something about what it has in hand, and the engine hears of it. */
  async say(controllerId: string, event: AssignmentEvent): Promise<Transition | undefined> {
    const active = await this.activeOf(controllerId);
    if (active === undefined) return undefined;
    const facts = { nowMs: this.nowMs };
    const transition = await this.ports.database.write((trx) =>
      applyEvent(trx, this.ports.keys.ledger, active.id, event, facts),
    );
    await settleRollouts(this.ports, rolloutsOf(transition));
    return transition;
  }

  /** The device answers when it is asked what it runs. Whether it was asked. */
  async attest(controllerId: string, tier: 'affirming' | 'contraindicated'): Promise<boolean> {
    const judged = await this.ports.database.write(async (trx) => {
      const device = await findDevice(trx, this.tenantId, controllerId);
      const asked = await findAssignment(trx, device?.attest_assignment_id ?? 0);
      if (device === undefined || asked === undefined) return undefined;
      await updateAssignment(trx, asked.id, { verdict: tier, verdict_reasons: '[]', verdict_ms: this.nowMs });
      await updateDevice(trx, device.id, { attest_assignment_id: null });
      return await noteProof(trx, asked, tier);
    });
    await settleRollouts(this.ports, judged ?? []);
    return judged !== undefined;
  }

  async sayAll(controllerIds: readonly string[], event: AssignmentEvent): Promise<void> {
    for (const id of controllerIds) await this.say(id, event);
  }
}
