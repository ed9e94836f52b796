/**
 * `node lab/src/relay/main.ts UPSTREAM_URL`: the relay as its own process. Says `{"event":"listening","url":...}` on standard
 * output; each line on standard input is a setting (see `attack.ts`), answered by `{"event":"set"}` or
 * `{"event":"error",...}`. Ends when standard input ends, so it never outlives who started it.
 */
import { createInterface } from 'node:readline';
import { parseSetting } from './attack.ts';
import { startRelay } from './relay.ts';

const say = (value: unknown): void => console.log(JSON.stringify(value));

const upstream = process.argv[2];
if (upstream === undefined || !URL.canParse(upstream)) {
  console.error('usage: node lab/src/relay/main.ts UPSTREAM_URL');
  process.exitCode = 2;
} else {
  const relay = await startRelay(new URL(upstream));
  say({ event: 'listening', url: relay.url });
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      relay.set(parseSetting(line));
      say({ event: 'set' });
    } catch (error) {
      say({ event: 'error', message: error instanceof Error ? error.message : String(error) });
    }
  }
  await relay.close();
}
