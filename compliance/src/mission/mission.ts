/**
 * The mission as data: what the sources ask for (186 items), the features that answer them, what was found out about their
 * claims, and what Pawl has of it by now. The last is kept by hand and held to the repository by a test; nothing of it enters
 * a document of a product.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const text = z.string().trim().min(1);
const featureId = z.string().regex(/^F[0-9]{2}$/);
const itemId = z.string().regex(/^S[0-4]-[0-9]{1,2}$/);
const state = z.enum(['built', 'partly', 'not-yet']);
type State = z.infer<typeof state>;

const items = z.object({
  items: z.array(
    z.strictObject({
      id: itemId,
      source: z.number().int(),
      actor: text,
      kind: text,
      paraphrase: text,
      features: z.array(featureId).min(1),
      truth: z.enum(['real', 'advice', 'unverified', 'contradicted']),
    }),
  ),
});
const features = z.object({ features: z.array(z.strictObject({ id: featureId, name: text, description: text })) });
const claims = z.object({
  claims: z.array(z.object({ id: text, claim: text, verdict: text, finding: text, sources: text, verification: text })),
});
const trace = z.strictObject({
  meta: z.strictObject({ note: text, states: z.record(state, text), checkedOn: z.iso.date() }),
  features: z.record(
    featureId,
    z.strictObject({
      state,
      commands: z.array(text),
      documents: z.array(text),
      tests: z.array(text),
      /** What is not there; whatever is not built says it. */
      lacks: text.optional(),
    }),
  ),
  items: z.record(
    itemId,
    z.strictObject({
      state: state.optional(),
      note: text.optional(),
      /** Of a claim that does not hold: what was found out. */
      facts: z.array(text).optional(),
      /** … and the requirements that really exist. */
      real: z.array(text).optional(),
      tests: z.array(text).optional(),
    }),
  ),
});

export type MissionRow = z.infer<typeof items>['items'][number] & {
  readonly state: State;
  readonly note: string | undefined;
  readonly facts: readonly string[];
  readonly real: readonly string[];
  readonly commands: readonly string[];
  readonly documents: readonly string[];
  readonly tests: readonly string[];
};

export type Mission = {
  readonly note: string;
  readonly checkedOn: string;
  readonly states: Readonly<Record<State, string>>;
  readonly rows: readonly MissionRow[];
  readonly features: readonly (z.infer<typeof features>['features'][number] &
    z.infer<typeof trace>['features'][string])[];
  readonly claims: z.infer<typeof claims>['claims'];
};

function read<T>(schema: z.ZodType<T>, name: string): T {
  return schema.parse(JSON.parse(readFileSync(new URL(`../../data/${name}.json`, import.meta.url), 'utf8')));
}

/** An item stands as its features do, unless it has a word of its own. */
function stateOf(states: readonly State[]): State {
  const [first, ...rest] = states;
  return first !== undefined && rest.every((one) => one === first) ? first : 'partly';
}

/**
 * Reads the data and joins it.
 * @throws ZodError, TypeError when it does not fit together
 */
export function loadMission(): Mission {
  const traced = read(trace, 'mission-trace');
  const named = read(features, 'features').features.map((feature) => {
    const found = traced.features[feature.id];
    if (found === undefined) throw new TypeError(`mission-trace.json has no row for ${feature.id}`);
    return { ...feature, ...found };
  });
  const byId = new Map(named.map((one) => [one.id, one]));
  const rows = read(items, 'mission').items.map((item): MissionRow => {
    const own = traced.items[item.id] ?? {};
    const answering = item.features.map((id) => {
      const found = byId.get(id);
      if (found === undefined) throw new TypeError(`${item.id} names ${id}, which is no feature`);
      return found;
    });
    const each = (key: 'commands' | 'documents' | 'tests'): string[] => [
      ...new Set(answering.flatMap((one) => one[key])),
    ];
    return {
      ...item,
      state: own.state ?? stateOf(answering.map((one) => one.state)),
      note: own.note,
      facts: own.facts ?? [],
      real: own.real ?? [],
      commands: each('commands'),
      documents: each('documents'),
      tests: own.tests ?? each('tests'),
    };
  });
  const { note, checkedOn, states } = traced.meta;
  return { note, checkedOn, states, rows, features: named, claims: read(claims, 'fact-check').claims };
}
