/**
 * When each device is due, for a million devices in flat memory: a timing wheel whose slots are linked lists through one
 * array, and the queue of those that are due. A device is in at most one list at a time; one that is being served is in none.
 */

const SLOT_MS = 10;
const SLOTS = 16_384;
const NONE = -1;

export class Wheel {
  readonly #next: Int32Array;
  readonly #dueTick: Uint32Array;
  readonly #heads = new Int32Array(SLOTS).fill(NONE);
  #tick = 0;
  #readyHead = NONE;
  #readyTail = NONE;
  #readyCount = 0;

  constructor(devices: number) {
    this.#next = new Int32Array(devices).fill(NONE);
    this.#dueTick = new Uint32Array(devices);
  }

  /** How many devices are due and not being served. */
  get readyCount(): number {
    return this.#readyCount;
  }

  /** Puts a device in, due `delayMs` after the time that the wheel has reached. */
  add(device: number, delayMs: number): void {
    const tick = this.#tick + Math.max(1, Math.ceil(delayMs / SLOT_MS));
    this.#dueTick[device] = tick;
    const slot = tick % SLOTS;
    this.#next[device] = this.#heads[slot] ?? NONE;
    this.#heads[slot] = device;
  }

  #makeReady(device: number): void {
    this.#next[device] = NONE;
    if (this.#readyTail === NONE) this.#readyHead = device;
    else this.#next[this.#readyTail] = device;
    this.#readyTail = device;
    this.#readyCount += 1;
  }

  #turnTo(tick: number): void {
    const slot = tick % SLOTS;
    let device = this.#heads[slot] ?? NONE;
    this.#heads[slot] = NONE;
    while (device !== NONE) {
      const following = this.#next[device] ?? NONE;
      if ((this.#dueTick[device] ?? 0) <= tick) this.#makeReady(device);
      else {
        // Due in a later turn of the wheel.
        this.#next[device] = this.#heads[slot] ?? NONE;
        this.#heads[slot] = device;
      }
      device = following;
    }
  }

  /** Turns the wheel to a time since the start; what is due by then becomes ready. */
  advance(elapsedMs: number): void {
    const target = Math.floor(elapsedMs / SLOT_MS);
    while (this.#tick < target) {
      this.#tick += 1;
      this.#turnTo(this.#tick);
    }
  }

  /** The device that has been due for longest; undefined when none is. */
  take(): number | undefined {
    const device = this.#readyHead;
    if (device === NONE) return undefined;
    this.#readyHead = this.#next[device] ?? NONE;
    if (this.#readyHead === NONE) this.#readyTail = NONE;
    this.#readyCount -= 1;
    return device;
  }
}
