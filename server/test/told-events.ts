/** What a server tells: events get their place in the stream a moment after the act. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ManagementClient } from '@pawl/contract/client';
import type { PawlEvent } from '@pawl/contract/management';

const TURNS = 1000;
const TURN_MS = 20;

/** The events behind a place, once there are enough of them. */
export async function eventsUntil(
  client: ManagementClient,
  isEnough: (events: readonly PawlEvent[]) => boolean,
  after = '0',
): Promise<PawlEvent[]> {
  const events: PawlEvent[] = [];
  for (let turn = 0, place = after; turn < TURNS; turn += 1) {
    const page = await client.call('listEvents', { query: { after: place } });
    events.push(...page.items);
    if (isEnough(events)) return events;
    if (page.last === place) await sleep(TURN_MS);
    place = page.last;
  }
  throw new Error(`enough events did not come: ${events.map(({ type }) => type).join(' ')}`);
}
