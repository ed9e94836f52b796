/** The tables of the IXIT pro forma (TS 103 701), as data: which columns each has, and which provisions ask for it. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const shape = z.object({
  meta: z.object({ version: z.string(), verification: z.string() }),
  ixit: z.array(
    z.object({ id: z.string(), subject: z.string(), perEntry: z.array(z.string()), platformSource: z.string() }),
  ),
  testGroups: z.array(z.object({ provision: z.string(), ixit: z.array(z.string()) })),
});

export const IXIT: z.infer<typeof shape> = shape.parse(
  JSON.parse(readFileSync(new URL('../../data/ts-103-701.json', import.meta.url), 'utf8')),
);
export type IxitTable = (typeof IXIT)['ixit'][number];

/** Whether a table has a column. */
export function findIxitColumn(table: string, column: string): boolean {
  return IXIT.ixit.some(({ id, perEntry }) => id === table && perEntry.includes(column));
}

/** The provisions whose tests need a table. */
export function provisionsAsking({ id }: IxitTable): string[] {
  const short = id.replace(/^IXIT /, '');
  return IXIT.testGroups.filter(({ ixit }) => ixit.includes(short)).map(({ provision }) => provision);
}
