/**
 * Keeps the memory of a stream flat. Its buffers lie outside V8's heap, and V8 lets tens of megabytes of dead ones gather
 * before it looks; on a gateway that memory belongs to the product. A minor collection every two megabytes (well under a
 * millisecond each) frees them as they die.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const EVERY_BYTES = 2 * 1024 * 1024;

type Collect = (options: { readonly type: 'minor' }) => void;

/** V8 gives its collector to contexts that are made after the flag was set; nothing else sees it. */
function collector(): Collect {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  return collect;
}

let collect: Collect | undefined;
let pendingBytes = 0;

/** Tells that a chunk of this size was dealt with and is dead now. */
export function relieve(bytes: number): void {
  pendingBytes += bytes;
  if (pendingBytes < EVERY_BYTES) return;
  pendingBytes = 0;
  collect ??= collector();
  collect({ type: 'minor' });
}
