/**
 * A model as CycloneDX attestations (CDXA, CycloneDX 1.6 `declarations` and `definitions.standards`): requirements, what is
 * claimed of them with which evidence, and counter-claims for what is missing. No scores: evidence of a kind is no degree of
 * conformity. Watch items are no requirements and are left out.
 */
import { cellsOf, explain, type Records } from '../document/index.ts';
import type { Evidence } from '../evidence/index.ts';
import type { Cell } from '../gap/index.ts';
import type { Model } from '../product/index.ts';
import { instantOf, jsonFile, plain, uuidOf } from './machine.ts';

type Ref = string;

const requirementRef = (cell: Cell): Ref => `requirement:${cell.entry.reference}`;
const claimRef = (cell: Cell): Ref => `claim:${cell.entry.reference}`;
const counterRef = (cell: Cell): Ref => `counter-claim:${cell.entry.reference}`;
const evidenceRef = ({ facts }: Evidence): Ref => `evidence:${facts.id}`;

function proofsOf({ kinds }: Cell): Evidence[] {
  return kinds.flatMap(({ proof }) => (proof === undefined ? [] : [proof]));
}

function standards(records: Records, cells: readonly Cell[]): object[] {
  return records.library.catalogues.flatMap((catalogue) => {
    const own = cells.filter(({ entry }) => entry.catalogue === catalogue);
    if (own.length === 0) return [];
    return [
      {
        'bom-ref': `standard:${catalogue.catalogue}`,
        name: catalogue.catalogue,
        version: plain(catalogue.edition),
        description: plain(`${catalogue.title}. ${catalogue.status}`),
        requirements: own.map((cell) => ({
          'bom-ref': requirementRef(cell),
          identifier: cell.entry.requirement.id,
          title: plain(cell.entry.requirement.title),
          properties: [
            { name: 'pawl:source-status', value: cell.entry.requirement.source.status },
            { name: 'pawl:wording-verified', value: cell.entry.requirement.verification },
          ],
        })),
      },
    ];
  });
}

function claimsOf(cell: Cell, target: Ref): object[] {
  const proofs = proofsOf(cell);
  const predicate = plain(cell.entry.requirement.title);
  const claim = {
    'bom-ref': claimRef(cell),
    target,
    predicate,
    reasoning: plain(`${cell.state}: ${explain(cell)}`),
    evidence: proofs.map(evidenceRef),
  };
  const counter = {
    'bom-ref': counterRef(cell),
    target,
    predicate: plain(`Not shown: ${cell.entry.requirement.title}`),
    reasoning: plain(explain(cell)),
  };
  return [...(proofs.length === 0 ? [] : [claim]), ...(cell.state === 'met' ? [] : [counter])];
}

function evidenceOf(evidence: Evidence, until: string | undefined): object {
  const { facts, grade, place } = evidence;
  const where = place === undefined ? 'no statement' : `${place.origin} #${place.index}`;
  return {
    'bom-ref': evidenceRef(evidence),
    propertyName: `pawl:${facts.kind}`,
    description: plain(`${facts.title} (${grade}; issued by ${facts.issuer})`),
    data: [{ name: 'ledger place', contents: { attachment: { contentType: 'text/plain', content: plain(where) } } }],
    created: instantOf(facts.issuedOn),
    ...(until === undefined ? {} : { expires: instantOf(until) }),
  };
}

function declarations(records: Records, cells: readonly Cell[], target: object & { 'bom-ref': string }): object {
  const proofs = new Map(
    cells.flatMap(({ kinds }) =>
      kinds.flatMap(({ proof, until }) => (proof === undefined ? [] : [[proof.facts.id, { proof, until }] as const])),
    ),
  );
  const assessor = 'assessor:manufacturer';
  return {
    assessors: [
      { 'bom-ref': assessor, thirdParty: false, organization: { name: plain(records.product.manufacturer.name) } },
    ],
    attestations: [
      {
        summary: `Made from records as of ${records.on}; no verdict of conformity.`,
        assessor,
        map: cells.map((cell) => ({
          requirement: requirementRef(cell),
          claims: proofsOf(cell).length === 0 ? [] : [claimRef(cell)],
          counterClaims: cell.state === 'met' ? [] : [counterRef(cell)],
          conformance: { rationale: plain(`${cell.state}: ${explain(cell)}`) },
        })),
      },
    ],
    claims: cells.flatMap((cell) => claimsOf(cell, target['bom-ref'])),
    evidence: [...proofs.values()].map(({ proof, until }) => evidenceOf(proof, until)),
    targets: { components: [target] },
  };
}

/** The attestations of one model, as JSON text. */
export function renderAttestation(records: Records, model: Model): string {
  const { product, on } = records;
  const cells = cellsOf(records, model).filter(
    ({ entry, state }) => !entry.isWatchItem && state !== 'watch' && state !== 'not-applicable',
  );
  const target = {
    type: 'device',
    'bom-ref': `model:${model.id}`,
    name: plain(model.name),
    version: plain(model.hardware.map(({ revision }) => revision).join(', ')),
    manufacturer: { name: plain(model.brand ?? product.manufacturer.name) },
  };
  return jsonFile({
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(product.product, model.id, 'attestation', on)}`,
    version: 1,
    metadata: { timestamp: instantOf(on), component: { ...target, 'bom-ref': `subject:${model.id}` } },
    definitions: { standards: standards(records, cells) },
    declarations: declarations(records, cells, target),
  });
}
