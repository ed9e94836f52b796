/** Names and tokens of up to a million devices, packed into one buffer: about sixty bytes a device. */

const ENTRY_BYTES = 80;

export class Roster {
  #bytes: Buffer = Buffer.alloc(ENTRY_BYTES);
  /** Where each name and each token ends. */
  #ends = new Uint32Array(2);
  #texts = 0;

  get size(): number {
    return this.#texts / 2;
  }

  #endOf(text: number): number {
    return text < 0 ? 0 : (this.#ends[text] ?? 0);
  }

  #append(text: string): void {
    const start = this.#endOf(this.#texts - 1);
    if (this.#texts === this.#ends.length) {
      const ends = new Uint32Array(this.#ends.length * 2);
      ends.set(this.#ends);
      this.#ends = ends;
    }
    if (start + text.length > this.#bytes.length) {
      const bytes = Buffer.alloc((start + text.length) * 2);
      this.#bytes.copy(bytes, 0, 0, start);
      this.#bytes = bytes;
    }
    this.#bytes.write(text, start, 'latin1');
    this.#ends[this.#texts] = start + text.length;
    this.#texts += 1;
  }

  /** Both are ASCII. */
  add(controllerId: string, token: string): void {
    this.#append(controllerId);
    this.#append(token);
  }

  #text(index: number): string {
    return this.#bytes.toString('latin1', this.#endOf(index - 1), this.#endOf(index));
  }

  controllerId(device: number): string {
    return this.#text(device * 2);
  }

  token(device: number): string {
    return this.#text(device * 2 + 1);
  }
}
