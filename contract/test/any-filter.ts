/** Random filters and the devices to try them on. For tests. */
import fc from 'fast-check';
import type { Filter, FilterFacts } from '../src/filter/index.ts';

const WORDS = ['a', 'A', 'ab', 'b', 'a.b', 'a_b', 'axb', 'lab', 'hub-2', '0'] as const;
/** Texts that a quoted value can hold and a bare one cannot. */
const ODD = ['', 'a b', 'ä', '%', '_', '*', 'a*', '"', '\\', 'or', '(a)', '😀', "a'b"] as const;
const VERSIONS = [
  '1.0.0',
  '1.0.0-alpha',
  '1.0.0-alpha.1',
  '1.0.0-2',
  '1.2.0',
  '1.10.0',
  '2.0.0-rc.1',
  '10.0.0',
] as const;
const KEYS = ['site', 'version', 'a.b', 'a b', '"', '\\', 'ä', '__proto__', '$', '[0]'] as const;
const NUMBERS = ['0', '7', '10', '9', '18446744073709551615'] as const;
const STATES = ['offered', 'confirmed', 'failed'] as const;
/** Beside the nows of the tests, so that times fall before, on and after. */
const INSTANTS = [0, 1, 999, 86_400_000, Date.UTC(2026, 0, 31), Date.UTC(2026, 0, 31) + 1] as const;

const bare = fc.constantFrom(...WORDS);
const pattern = fc.oneof(
  fc.record({
    text: fc.constantFrom(...WORDS, ...ODD),
    isOpenStart: fc.constant(false),
    isOpenEnd: fc.constant(false),
  }),
  fc.record({ text: bare, isOpenStart: fc.boolean(), isOpenEnd: fc.boolean() }),
  fc.constant({ text: '', isOpenStart: true, isOpenEnd: false }),
);
const named = fc.record({ field: fc.constantFrom('attribute', 'operator'), key: fc.constantFrom(...KEYS) });
const plain = (
  ...names: ('name' | 'model' | 'line' | 'tag' | 'version' | 'kind' | 'state' | 'floor' | 'lastSeen' | 'enrolled')[]
) => fc.record({ field: fc.constantFrom(...names) });
const comparison = fc.constantFrom('<', '<=', '>', '>=');
const exactly = (text: string) => ({ text, isOpenStart: false, isOpenEnd: false });
const time = fc.oneof(
  fc.record({ kind: fc.constant('at'), ms: fc.constantFrom(...INSTANTS) }),
  fc.record({
    kind: fc.constant('ago'),
    amount: fc.integer({ min: 1, max: 9 }),
    unit: fc.constantFrom('s', 'm', 'h', 'd', 'w'),
  }),
  fc.constant({ kind: 'ago', amount: 0, unit: 's' }),
);

const condition = fc.oneof(
  {
    arbitrary: fc.record({
      kind: fc.constant('match'),
      of: fc.oneof(plain('name', 'model', 'line', 'tag', 'version'), named),
      pattern,
    }),
    weight: 4,
  },
  fc.record({ kind: fc.constant('match'), of: plain('state'), pattern: fc.constantFrom(...STATES).map(exactly) }),
  fc.record({
    kind: fc.constant('match'),
    of: plain('kind'),
    pattern: fc.constantFrom('pawl', 'foreign').map(exactly),
  }),
  fc.record({ kind: fc.constant('version'), comparison, version: fc.constantFrom(...VERSIONS) }),
  fc.record({
    kind: fc.constant('number'),
    comparison: fc.oneof(comparison, fc.constant(':')),
    value: fc.constantFrom(...NUMBERS),
  }),
  fc.record({ kind: fc.constant('time'), field: fc.constantFrom('lastSeen', 'enrolled'), comparison, time }),
  fc.record({
    kind: fc.constant('has'),
    of: fc.oneof(plain('name', 'line', 'tag', 'version', 'state', 'floor', 'lastSeen', 'enrolled'), named),
  }),
);

/** Any filter that fits into the bounds of a text; with these groups in it, if any. */
export function anyFilter(groups: readonly string[] = []): fc.Arbitrary<Filter> {
  const leaf =
    groups.length === 0
      ? condition
      : fc.oneof(
          { arbitrary: condition, weight: 5 },
          fc.record({ kind: fc.constant('group'), name: fc.constantFrom(...groups) }),
        );
  const { filter } = fc.letrec((tie) => ({
    filter: fc.oneof({ depthSize: 'small', withCrossShrink: true, maxDepth: 3 }, leaf, tie('row'), tie('not')),
    row: fc.record({
      kind: fc.constantFrom('and', 'or'),
      all: fc.array(tie('filter'), { minLength: 2, maxLength: 3 }),
    }),
    not: fc.record({ kind: fc.constant('not'), filter: tie('filter') }),
  }));
  // The table above has the shape of the type, only wider; its objects have no prototype, those of the parser have one.
  return filter.map((made) => structuredClone(made) as Filter);
}

const absentOr = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ arbitrary: value, weight: 3 }, fc.constant(null));
const attributes = fc
  .array(fc.tuple(fc.constantFrom(...KEYS), fc.constantFrom(...WORDS, ...ODD)), { maxLength: 4 })
  .map((pairs) => Object.fromEntries(pairs));

/** A device, without its name. */
export const anyFacts: fc.Arbitrary<Omit<FilterFacts, 'name'>> = fc.record({
  model: fc.constantFrom('a', 'Hub', 'hub-2', 'a b', 'ä', '*'),
  line: absentOr(fc.constantFrom('lab', 'hub-2')),
  kind: fc.constantFrom('pawl', 'foreign'),
  tag: fc.uniqueArray(fc.constantFrom('a', 'ab', 'a_b', 'axb', 'lab', 'a.b'), { maxLength: 3 }),
  version: absentOr(fc.constantFrom(...VERSIONS, '1.0.0+build', '1.0', 'v2', '', '01.0.0')),
  state: absentOr(fc.constantFrom(...STATES)),
  floor: absentOr(fc.constantFrom(...NUMBERS)),
  lastSeenMs: absentOr(fc.constantFrom(...INSTANTS)),
  enrolledMs: absentOr(fc.constantFrom(...INSTANTS)),
  reported: attributes,
  operator: attributes,
});
