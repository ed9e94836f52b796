/**
 * The acts of the demo, in the order of what a new user is promised. Each gives rows of the final table; a row is expected
 * or not by what the server has recorded from signed reports, not by what the demo thinks it did.
 */
import { CUT, type DemoRelease, FACTORY, NEW, OLDER, UNKNOWN_KEY, UNSIGNED } from './firmware.ts';
import type { Stage } from './stage.ts';
import type { ResultRow } from './view.ts';

const FINAL_S = '30';
/** Slow enough that the kill comes in the middle of the image, fast enough for the minute. */
const SLOW_BYTES_PER_S = 60_000;
const KILL_AFTER_BYTES = 40_000;
const EVENT_LIMIT_MS = 20_000;

type Ended = {
  readonly assignmentId: number;
  readonly device: string;
  readonly state: string;
  readonly code: string | null;
};

/** Starts a rollout to the devices that the filter names. */
async function rollOut(stage: Stage, name: string, release: DemoRelease, filter: string): Promise<string> {
  const words = ['rollout', 'create', name, '--version', release.version, '--filter', filter, '--forced', '--start'];
  // The server would not offer what lies below the floor of a device; here it is told to, so that the device can refuse.
  const despite = release.counter < FACTORY.counter ? ['--despite-floor'] : [];
  const { id } = await stage.operator.run(...words, ...despite);
  return String(id);
}

/** Waits until the server has a final state of each device. */
async function ended(stage: Stage, rolloutId: string): Promise<Ended[]> {
  const { assignments } = await stage.operator.runQuietly('rollout', 'watch', rolloutId, '--timeout', FINAL_S);
  return (assignments as Ended[]).toSorted((a, b) => a.device.localeCompare(b.device));
}

function rows(step: string, all: readonly Ended[], isExpected: (end: Ended) => boolean): ResultRow[] {
  return all.map((end) => ({
    device: end.device,
    step,
    result: end.state,
    code: end.code ?? '',
    assignmentId: end.assignmentId,
    isExpected: isExpected(end),
  }));
}

export async function actConfirm(stage: Stage): Promise<ResultRow[]> {
  stage.view.heading(`1. Three devices go from ${FACTORY.version} to ${NEW.version}`);
  const id = await rollOut(stage, 'newer-firmware', NEW, 'tag:first-wave');
  const all = await ended(stage, id);
  return rows(`${FACTORY.version} to ${NEW.version}`, all, ({ state }) => state === 'confirmed');
}

type AttackCase = {
  readonly name: string;
  readonly step: string;
  readonly release: DemoRelease;
  readonly setting: object;
  readonly codes: readonly string[];
};

function attackCases(stage: Stage): AttackCase[] {
  const swap = (release: DemoRelease): object => ({
    attack: { kind: 'swap-release', version: release.version, dir: stage.releaseDir(release) },
  });
  return [
    {
      name: 'flipped-byte',
      step: 'one flipped payload byte',
      release: NEW,
      setting: { attack: { kind: 'flip-byte', fileSuffix: '.enc', offset: 12_345 } },
      codes: ['CRYPTO_AUTHENTICATION_FAILED', 'AGENT_PAYLOAD_DIGEST_MISMATCH'],
    },
    {
      name: 'unknown-key',
      step: 'signed by an unknown key',
      release: NEW,
      setting: swap(UNKNOWN_KEY),
      codes: ['SUIT_KEY_UNKNOWN'],
    },
    {
      name: 'no-signature',
      step: 'signature missing',
      release: NEW,
      setting: swap(UNSIGNED),
      codes: ['SUIT_AUTHENTICATION_MISSING'],
    },
    {
      name: 'older',
      step: 'authentic but older',
      release: OLDER,
      setting: {},
      codes: ['AGENT_SECURITY_COUNTER_TOO_LOW'],
    },
  ];
}

export async function actRefuse(stage: Stage): Promise<ResultRow[]> {
  stage.view.heading('2. Four attacks on hub-4, which sits behind a hostile relay');
  const all: ResultRow[] = [];
  for (const { name, step, release, setting, codes } of attackCases(stage)) {
    await stage.setRelay(setting);
    const id = await rollOut(stage, name, release, 'name:hub-4');
    const ends = await ended(stage, id);
    // Refused before anything is activated: the device still runs what it left the factory with.
    const { version } = await stage.device('hub-4').status();
    const isUntouched = version === FACTORY.version;
    const isExpected = ({ state, code }: Ended): boolean =>
      isUntouched && state === 'refused' && code !== null && codes.includes(code);
    all.push(...rows(step, ends, isExpected));
  }
  await stage.setRelay({});
  return all;
}

export async function actRevert(stage: Stage): Promise<ResultRow[]> {
  stage.view.heading(`3. A signed release whose image was cut short: hub-1 tries ${CUT.version} and goes back`);
  const id = await rollOut(stage, 'cut-short', CUT, 'name:hub-1');
  const all = await ended(stage, id);
  const { version } = await stage.device('hub-1').status();
  return rows(`cut short, back to ${version}`, all, ({ state }) => state === 'reverted' && version === NEW.version);
}

export async function actKill(stage: Stage): Promise<ResultRow[]> {
  stage.view.heading('4. hub-4 is killed in the middle of an install');
  const hub = stage.device('hub-4');
  await stage.setRelay({ bytesPerS: SLOW_BYTES_PER_S });
  const since = hub.eventCount;
  const id = await rollOut(stage, 'killed', NEW, 'name:hub-4');
  await hub.waitFor(
    'a part of the image',
    (event) => event['event'] === 'progress' && Number(event['bytes']) >= KILL_AFTER_BYTES,
    EVENT_LIMIT_MS,
    since,
  );
  await hub.kill();
  const dead = await hub.status();
  const isMidInstall = dead.version === FACTORY.version && dead.otherSlot === 'unusable';
  stage.view.say(
    `SIGKILL. On its disk: ${dead.version} boots, the other slot is ${dead.otherSlot}, the journal is intact.`,
  );
  await stage.setRelay({});
  await hub.start();
  const all = await ended(stage, id);
  const after = await hub.status();
  const isEither = after.version === NEW.version || after.version === FACTORY.version;
  return rows(`killed, then runs ${after.version}`, all, () => isMidInstall && isEither);
}
