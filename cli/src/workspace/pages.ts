/** Lists that come in pages: asks for one after the other until there is no next. */
type Page<T> = { readonly items: readonly T[]; readonly next: string | null };

export async function allPages<T>(ask: (at: { readonly cursor?: string }) => Promise<Page<T>>): Promise<T[]> {
  const all: T[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Page<T> = await ask(cursor === '' ? {} : { cursor });
    all.push(...page.items);
    cursor = page.next;
  }
  return all;
}
