/**
 * A product as an OSCAL component definition (NIST OSCAL 1.2, component-definition model): a component for each model, and for
 * each catalogue what is shown of it. An `implemented-requirement` stands only for what is met or partly met by evidence that
 * counts; what is open, not applicable or only watched is listed as properties, because a reader who knows no properties
 * must never take a gap for an implementation. Identifiers come from names, so equal records give equal bytes.
 */
import type { Catalogue } from '../catalogue/index.ts';
import { cellsOf, explain, type Records } from '../document/index.ts';
import type { Cell } from '../gap/index.ts';
import type { Model } from '../product/index.ts';
import { instantOf, jsonFile, plain, uuidOf } from './machine.ts';

const OSCAL_VERSION = '1.2.1';
const NAMESPACE = 'urn:pawl:ns:oscal';

type Property = { name: string; ns: string; value: string; remarks?: string };

function property(name: string, value: string, remarks?: string): Property {
  const base = { name, ns: NAMESPACE, value: plain(value) };
  return remarks === undefined ? base : { ...base, remarks: markup(remarks) };
}

/** Text in a field that OSCAL reads as Markdown: characters that mean something there are escaped. */
function markup(text: string): string {
  return plain(text).replaceAll(/[\\`*_[\]<>{}#|~"'^$]/g, (one) => `\\${one}`);
}

/** A token (NCName): begins with a letter, then letters, digits, `.`, `-` and `_`. */
function controlId({ entry }: Cell): string {
  return `${entry.catalogue.catalogue}_${entry.requirement.id}`.replaceAll(/[^A-Za-z0-9.\-_]/g, '-');
}

function implemented(cell: Cell, scope: readonly string[]): object {
  const { entry, kinds, state } = cell;
  const proofs = kinds.flatMap(({ kind, proof }) =>
    proof === undefined
      ? []
      : [
          property(
            'evidence',
            proof.place === undefined ? proof.facts.id : `${proof.place.origin} #${proof.place.index}`,
            `${kind}, ${proof.grade}, ${proof.facts.issuedOn}: ${proof.facts.title}`,
          ),
        ],
  );
  return {
    uuid: uuidOf(...scope, entry.reference),
    'control-id': controlId(cell),
    description: markup(`${entry.requirement.title}. ${state}: ${explain(cell)}`),
    props: [
      property('reference', entry.reference),
      property('state', state),
      property('source-status', entry.requirement.source.status),
      property('wording-verified', entry.requirement.verification),
      ...proofs,
    ],
  };
}

function resourceId(catalogue: Catalogue): string {
  return uuidOf('catalogue', catalogue.catalogue, catalogue.edition);
}

function implementations(records: Records, model: Model): object[] {
  return records.library.catalogues.flatMap((catalogue) => {
    const scope = [records.product.product, model.id, catalogue.catalogue];
    const shown = cellsOf(records, model, catalogue.catalogue).filter(
      ({ state, entry }) => !entry.isWatchItem && (state === 'met' || state === 'partial'),
    );
    if (shown.length === 0) return [];
    return [
      {
        uuid: uuidOf(...scope),
        source: `#${resourceId(catalogue)}`,
        description: markup(`${catalogue.title}, ${catalogue.edition}`),
        'implemented-requirements': shown.map((cell) => implemented(cell, scope)),
      },
    ];
  });
}

const OPEN = { gap: 'open', 'not-applicable': 'not-applicable', watch: 'watch' } as const;

function componentOf(records: Records, model: Model): object {
  const open = cellsOf(records, model).flatMap((cell) =>
    cell.state === 'met' || cell.state === 'partial'
      ? []
      : [property(OPEN[cell.state], cell.entry.reference, `${cell.entry.requirement.title}: ${explain(cell)}`)],
  );
  const own = implementations(records, model);
  return {
    uuid: uuidOf(records.product.product, model.id),
    type: 'hardware',
    title: markup(model.name),
    description: markup(records.product.purpose),
    props: [
      property('model', model.id),
      ...model.hardware.map(({ revision, soc }) => property('hardware-revision', revision, soc)),
      ...open,
    ],
    ...(own.length === 0 ? {} : { 'control-implementations': own }),
  };
}

/** The component definition of a product, as JSON text. */
export function renderOscal(records: Records): string {
  const { product, on, library } = records;
  const party = uuidOf(product.product, 'manufacturer');
  return jsonFile({
    'component-definition': {
      uuid: uuidOf(product.product, on),
      metadata: {
        title: markup(`${product.name}: what is shown of requirements`),
        'last-modified': instantOf(on),
        version: on,
        'oscal-version': OSCAL_VERSION,
        roles: [{ id: 'creator', title: 'Manufacturer' }],
        parties: [{ uuid: party, type: 'organization', name: plain(product.manufacturer.name) }],
        'responsible-parties': [{ 'role-id': 'creator', 'party-uuids': [party] }],
        remarks: markup(
          'Made from records; no verdict of conformity. Requirements that are open, not applicable or only reported are properties of the component, never implemented requirements.',
        ),
      },
      components: product.models.map((model) => componentOf(records, model)),
      'back-matter': {
        resources: library.catalogues.map((catalogue) => ({
          uuid: resourceId(catalogue),
          title: markup(catalogue.title),
          description: markup(`${catalogue.edition}; ${catalogue.status}`),
          props: [property('retrieved', catalogue.retrieved)],
        })),
      },
    },
  });
}
