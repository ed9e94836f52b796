/**
 * The kinds of statement that the ledger takes, as data: who may sign each kind, and which kinds bring a new key in.
 *
 * `ledger` is the key of the ledger itself (what the server decides and sees); `device` a key that a device-enrolled
 * statement introduced; `registered` a key that a key-registered statement introduced (an image or release key);
 * `approver` a key of a person that an approver-registered statement introduced, and that signs nothing but approvals.
 * A key is introduced by `predicate.publicKey` (SPKI PEM) of a statement that the ledger key signed.
 */

export type SignerKind = 'ledger' | 'device' | 'registered' | 'approver';

type PredicateRow = {
  readonly summary: string;
  readonly signedBy: readonly SignerKind[];
  /** What the key in `predicate.publicKey` becomes, for statements that introduce one. */
  readonly introduces?: Exclude<SignerKind, 'ledger'>;
};

export const PREDICATES = {
  'urn:pawl:release:1': { summary: 'a release was sealed or published', signedBy: ['registered', 'ledger'] },
  'urn:pawl:key-registered:1': {
    summary: 'a signing key was made known',
    signedBy: ['ledger'],
    introduces: 'registered',
  },
  'urn:pawl:device-enrolled:1': {
    summary: 'a device came in with its own key',
    signedBy: ['ledger'],
    introduces: 'device',
  },
  'urn:pawl:assignment-transition:1': {
    summary: 'the state of a release on a device changed',
    signedBy: ['ledger'],
  },
  'urn:pawl:assignments-offered:1': {
    summary: 'a release was offered to these devices, many at once',
    signedBy: ['ledger'],
  },
  'urn:pawl:device-report:1': { summary: 'a device says what it did', signedBy: ['device'] },
  'urn:pawl:attestation-verdict:1': {
    summary: 'what a device measured and signed was judged; the evidence of the device stands in it',
    signedBy: ['ledger'],
  },
  'urn:pawl:rollout:1': { summary: 'a rollout was made, started, paused or stopped', signedBy: ['ledger'] },
  'urn:pawl:consent:1': {
    summary: 'the user of a device said yes or no to an update, or put it off',
    signedBy: ['ledger'],
  },
  'urn:pawl:device-policy:1': {
    summary: 'a device opted out of automatic updates or in again, or got a time zone',
    signedBy: ['ledger'],
  },
  'urn:pawl:policy:1': { summary: 'what holds for all rollouts was changed', signedBy: ['ledger'] },
  'urn:pawl:trust-updated:1': {
    summary: 'metadata of the repository was accepted; the subject is the file and its digest',
    signedBy: ['registered', 'ledger'],
  },
  'urn:pawl:signing:1': {
    summary: 'a key of a workspace was used, made or changed; the subject is what was signed, or the public key',
    signedBy: ['ledger'],
  },
  'urn:pawl:approver-registered:1': {
    summary: 'a key was made known whose signatures are approvals of a person',
    signedBy: ['ledger'],
    introduces: 'approver',
  },
  'urn:pawl:approver-revoked:1': { summary: 'a key of a person approves nothing any more', signedBy: ['ledger'] },
  'urn:pawl:approval:1': {
    summary: 'a person approved exactly what has the digest of the subject',
    signedBy: ['approver', 'ledger'],
  },
  'urn:pawl:device-changed:1': {
    summary: 'an operator changed what is written of a device, or of all that a filter named',
    signedBy: ['ledger'],
  },
  'urn:pawl:device:1': {
    summary: 'a device was added, imported or decommissioned, got other credentials, or went to another tenant',
    signedBy: ['ledger'],
  },
  'urn:pawl:device-authority:1': {
    summary: 'certificates of an authority let devices in from now on, or no longer do',
    signedBy: ['ledger'],
  },
  'urn:pawl:gateway:1': { summary: 'a gateway may act for these devices from now on', signedBy: ['ledger'] },
  'urn:pawl:tenant:1': { summary: 'an organisation came to the server', signedBy: ['ledger'] },
  'urn:pawl:device-group:1': { summary: 'a saved filter was made, changed or deleted', signedBy: ['ledger'] },
  'urn:pawl:vulnerability:1': {
    summary: 'a case of vulnerability handling came in, moved or was changed; the digest is salted, as it is embargoed',
    signedBy: ['ledger'],
  },
  'urn:pawl:incident-report:1': {
    summary: 'a report to the authorities was opened, sent or closed; of what was sent, digest and receipt number',
    signedBy: ['ledger'],
  },
  'urn:pawl:incident-drill:1': { summary: 'the rehearsal of a report; it is none', signedBy: ['ledger'] },
  'urn:pawl:sbom:1': { summary: 'a release has this bill of materials', signedBy: ['ledger'] },
  'urn:pawl:disclosure-policy:1': { summary: 'how reports of vulnerabilities come in', signedBy: ['ledger'] },
  'urn:pawl:person:1': {
    summary: 'somebody may act for the operator from now on, may do other things, or no longer may',
    signedBy: ['ledger'],
  },
  'urn:pawl:evidence:1': {
    summary: 'a document was taken in as evidence, replaced by another or withdrawn; the subject is its file',
    signedBy: ['ledger'],
  },
  'urn:pawl:inquiry:1': {
    summary: 'a supplier was asked, answered, or the answer was reviewed; the subject is the inquiry as it stands',
    signedBy: ['ledger'],
  },
  'urn:pawl:supplier-answer:1': {
    summary: 'what a supplier answered to one question and what that is worth; the digest is of the whole answer',
    signedBy: ['ledger'],
  },
  'urn:pawl:share:1': {
    summary: 'somebody outside may look at the evidence of a product from now on, or no longer may',
    signedBy: ['ledger'],
  },
  'urn:pawl:laboratories:1': {
    summary: 'the directory of laboratories was written down; the subject is the record',
    signedBy: ['ledger'],
  },
  'urn:pawl:test-plan:1': {
    summary: 'tests were planned by one edition of one catalogue, at a laboratory',
    signedBy: ['ledger'],
  },
  'urn:pawl:test-result:1': {
    summary: 'what a test of a requirement came to, by whom, and in which report',
    signedBy: ['ledger'],
  },
  'urn:pawl:product:1': {
    summary: 'what a product is was written down; the subject is the record',
    signedBy: ['ledger'],
  },
  'urn:pawl:market-gate:1': {
    summary: 'which devices a market is was said, or a rollout was let pass the gate of a market, with the reason',
    signedBy: ['ledger'],
  },
  'urn:pawl:waiver:1': {
    summary: 'somebody asked, approved or refused that a requirement is not for a model, with the reason',
    signedBy: ['ledger'],
  },
  'urn:pawl:documents:1': {
    summary: 'the documents of a product were frozen for a release; the subject is the list of their digests',
    signedBy: ['registered', 'ledger'],
  },
} as const satisfies Readonly<Record<string, PredicateRow>>;

export type PredicateType = keyof typeof PREDICATES;

export function isPredicateType(text: string): text is PredicateType {
  return Object.hasOwn(PREDICATES, text);
}

export function predicateRow(type: PredicateType): PredicateRow {
  return PREDICATES[type];
}
