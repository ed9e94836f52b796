/** What the ledger says of a subject, in its order. For tests. */
import type { TestServer } from './running-server.ts';

export type LedgerWord = { readonly type: string; readonly predicate: Readonly<Record<string, unknown>> };

/** Statements whose subject has this name, oldest first. */
export async function predicatesOf({ operator }: Pick<TestServer, 'operator'>, subject: string): Promise<LedgerWord[]> {
  const words: LedgerWord[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await operator.call('listEntries', {
      query: { limit: 500, ...(cursor === undefined ? {} : { cursor }) },
    });
    for (const { envelope, predicateType } of page.items) {
      const { payload } = JSON.parse(Buffer.from(envelope, 'base64').toString()) as { payload: string };
      const statement = JSON.parse(Buffer.from(payload, 'base64').toString()) as {
        subject: { name: string }[];
        predicate: Record<string, unknown>;
      };
      if (statement.subject[0]?.name !== subject) continue;
      words.push({ type: predicateType, predicate: statement.predicate });
    }
    if (page.next === null) return words;
    cursor = page.next;
  }
}
