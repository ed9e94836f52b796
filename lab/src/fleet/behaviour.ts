/**
 * What the devices of a fleet are like, and the chance that decides it: a mix of behaviours by weight, drawn per device
 * from a seed, so that the same seed gives the same fleet whatever the order of events.
 */

/**
 * `success` installs and says so; `failure` says that the install failed; `revert` reports the restart into the new image
 * and then that it went back; `slow` takes ten times as long with word in between; `offline` is never heard.
 */
export const BEHAVIOURS = ['success', 'failure', 'revert', 'slow', 'offline'] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

export type Mix = Readonly<Partial<Record<Behaviour, number>>>;

/** Reads `success=90,failure=5`: weights, not percentages. Undefined when it cannot be read. */
export function parseMix(text: string): Mix | undefined {
  const mix: Partial<Record<Behaviour, number>> = {};
  for (const part of text.split(',')) {
    const [, word, weight] = /^([a-z]+)=([0-9]{1,6})$/.exec(part.trim()) ?? [];
    const behaviour = BEHAVIOURS.find((name) => name === word);
    if (behaviour === undefined || mix[behaviour] !== undefined) return undefined;
    mix[behaviour] = Number(weight);
  }
  return BEHAVIOURS.some((name) => (mix[name] ?? 0) > 0) ? mix : undefined;
}

/** A number in [0, 1) from a seed and two numbers that name the draw (splitmix32's finaliser over both). */
export function draw(seed: number, stream: number, index: number): number {
  let z = (seed ^ Math.imul(stream + 1, 0x9e3779b9)) + Math.imul(index + 1, 0x85ebca6b);
  for (const factor of [0x21f0aaad, 0x735a2d97]) {
    z ^= z >>> 16;
    z = Math.imul(z, factor);
    z ^= z >>> 15;
  }
  return (z >>> 0) / 4_294_967_296;
}

const BEHAVIOUR_STREAM = 0;

/** The behaviour of each device, as an index into `BEHAVIOURS`. */
export function assignBehaviours(devices: number, mix: Mix, seed: number): Uint8Array {
  const weights = BEHAVIOURS.map((name) => mix[name] ?? 0);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const behaviours = new Uint8Array(devices);
  for (let device = 0; device < devices; device += 1) {
    let rest = draw(seed, BEHAVIOUR_STREAM, device) * total;
    let choice = 0;
    while (choice < weights.length - 1 && rest >= (weights[choice] ?? 0)) {
      rest -= weights[choice] ?? 0;
      choice += 1;
    }
    behaviours[device] = choice;
  }
  return behaviours;
}
