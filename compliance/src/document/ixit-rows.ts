/**
 * What records tell about the tables of the IXIT: one function a table, for those that the product record or the ledger has
 * something for. A row says where it comes from; what a function does not know it leaves open for the manufacturer.
 */
import type { EvidenceKind } from '../catalogue/index.ts';
import type { Evidence, Grade } from '../evidence/index.ts';
import type { Model } from '../product/index.ts';
import { bestOf, countingEvidence, proofText, type Records } from './records.ts';

export type IxitRow = {
  readonly columns: Readonly<Record<string, string>>;
  readonly grade: Grade;
  /** Where it is from. */
  readonly source: string;
};

const RECORD = 'product record';
const said = (columns: Readonly<Record<string, string>>): IxitRow => ({ columns, grade: 'claimed', source: RECORD });

/** A row that the ledger shows, with the newest statement of each of its kinds. */
function proven(
  records: Records,
  model: Model,
  kinds: readonly EvidenceKind[],
  columns: (all: readonly Evidence[]) => Readonly<Record<string, string>>,
): IxitRow[] {
  const all = kinds.flatMap((kind) => bestOf(countingEvidence(records, model, [kind])) ?? []);
  if (all.length === 0) return [];
  // The words of a row are the platform's own: what devices signed shows that it is used, not each word.
  const grade: Grade = all.some((one) => one.grade === 'claimed') ? 'claimed' : 'configured';
  return [{ columns: columns(all), grade, source: all.map(proofText).join('; ') }];
}

type Rows = (records: Records, model: Model) => readonly IxitRow[];

const userInfo: Rows = ({ product }, model) => {
  const page = product.papers?.disclosure?.page;
  return [
    said({
      'Support Period': `until ${product.support.until}`,
      'Model Designation': `${model.name} (${model.id})`,
      ...(page === undefined ? {} : { 'Publication of Vulnerability Disclosure Policy': page }),
    }),
  ];
};

const vulnTypes: Rows = ({ product }) => {
  const times = product.papers?.disclosure;
  if (times === undefined) return [];
  return [
    said({
      ID: 'Vuln-1',
      Description: 'Any vulnerability that is reported for the product',
      Action: 'acknowledged, assessed, fixed by a release, told to the reporter and, when fixed, to users',
      'Time Frame': `acknowledged within ${times.acknowledgeDays} days, status every ${times.statusDays} days, disclosed within ${times.publishDays} days`,
    }),
  ];
};

const vulnMon: Rows = (records, model) =>
  proven(records, model, ['sbom', 'vulnerability-scan', 'vulnerability-handling-record'], (all) => ({
    ID: 'VulnMon-1',
    Description: all.map(({ facts }) => facts.title).join('; '),
  }));

const softComp: Rows = ({ product }, model) =>
  (product.components ?? []).map(({ name, version, supplier }, at) =>
    said({
      ID: `SoftComp-${at + 1}`,
      Description: [name, version, supplier === undefined ? undefined : `from ${supplier}`].filter(Boolean).join(' '),
      'Update Mechanism': model.updateProtocol === 'none' ? 'none' : `UpdMech-1 (${model.updateProtocol})`,
    }),
  );

/** What Pawl's own agent does with an offer; said only of models for which the ledger has a device that took one. */
const updMech: Rows = (records, model) => {
  if (model.updateProtocol !== 'pawl') {
    return model.updateProtocol === 'none'
      ? []
      : [said({ ID: 'UpdMech-1', Description: `Updates by: ${model.updateProtocol}` })];
  }
  return proven(records, model, ['signed-release', 'campaign-record'], () => ({
    ID: 'UpdMech-1',
    Description: 'The Pawl agent polls the update server, verifies, and installs into the slot that is not running',
    'Security Guarantees':
      'authenticity and integrity of metadata, manifest and image; confidentiality of the image; no older firmware; return to the last valid image',
    'Cryptographic Details':
      'TUF 1.0 role metadata with thresholds; SUIT manifest in COSE_Sign1 or COSE_Sign; image under AES-256-GCM with a key by ECDH-ES and AES-KW; SHA-256',
    'Initiation and Interaction': 'begun by the device; consent of the user where the rollout asks for it',
    Configuration: 'automatic by default; the user can opt out or put off where the policy allows it',
    'Update Checking': 'at the poll interval that the server names',
  }));
};

const updProc: Rows = (records, model) =>
  proven(records, model, ['campaign-record'], (all) => ({
    ID: 'UpdProc-1',
    Description: `Release is sealed, signed, listed, published, then rolled out in waves: ${all.map(({ facts }) => facts.title).join('; ')}`,
  }));

const secParam: Rows = (_records, { bootChain }) =>
  bootChain.flatMap(({ stage, key, algorithm, verifier }, at) =>
    key === undefined
      ? []
      : [
          said({
            ID: `SecParam-${at + 1}`,
            Description: `${key}: checks ${stage}`,
            Type: 'public',
            'Security Guarantees': 'integrity, authenticity',
            'Protection Scheme': `held by ${verifier}${algorithm === undefined ? '' : `, ${algorithm}`}`,
          }),
        ],
  );

const secMgmt: Rows = (records, model) =>
  proven(records, model, ['key-management-record'], (all) => ({
    ID: 'SecMgmt-1',
    Description: all.map(({ facts }) => facts.title).join('; '),
    'Cross-Reference': 'key management audit',
  }));

const phyIntf: Rows = (_records, { hardware, radios }) => [
  ...hardware.map(({ revision, debug }, at) =>
    said({
      ID: `PhyIntf-${at + 1}`,
      Description: `Debug access of revision ${revision}`,
      Type: 'wired',
      Status: debug === 'locked' ? 'disabled' : debug,
      'Debug Interface': debug === 'not-present' ? 'no' : 'yes',
      ...(debug === 'locked' ? { Protection: 'locked' } : {}),
    }),
  ),
  ...radios.map((radio, at) =>
    said({
      ID: `PhyIntf-${hardware.length + at + 1}`,
      Description: radio,
      Type: 'radio',
      Status: 'enabled',
      'Debug Interface': 'no',
    }),
  ),
];

const accCtrl: Rows = (_records, { hardware }) =>
  hardware.flatMap(({ revision, tee, core }, at) =>
    tee === 'none' ? [] : [said({ ID: `AccCtrl-${at + 1}`, Description: `Revision ${revision}: ${tee} on ${core}` })],
  );

const secBoot: Rows = (_records, { bootChain }) =>
  bootChain
    .filter(({ level }) => level === 'signature' || level === 'signature-hardware-root')
    .map(({ stage, verifier, key, algorithm, onFailure }, at) =>
      said({
        ID: `SecBoot-${at + 1}`,
        Description: `${verifier} checks ${stage}${key === undefined ? '' : ` with ${key}`}`,
        'Security Guarantees': 'integrity, authenticity',
        'Detection Mechanisms': `signature${algorithm === undefined ? '' : ` (${algorithm})`}${onFailure === undefined ? '' : `; on failure: ${onFailure}`}`,
      }),
    );

const resMech: Rows = (records, model) =>
  proven(records, model, ['rollback-test', 'update-resilience-test'], (all) => ({
    ID: 'ResMech-1',
    Description: all.map(({ facts }) => facts.title).join('; '),
    Type: 'power loss, firmware that does not start',
    'Security Guarantees': 'availability: the last valid image runs again',
  }));

const inpVal: Rows = (records, model) =>
  proven(records, model, ['verify-reject-test'], (all) => ({
    ID: 'InpVal-1',
    Description: `Update manifests and images: ${all.map(({ facts }) => facts.title).join('; ')}`,
    Source: 'network',
  }));

const FROM_RECORDS: Readonly<Record<string, Rows>> = {
  'IXIT 2-UserInfo': userInfo,
  'IXIT 3-VulnTypes': vulnTypes,
  'IXIT 5-VulnMon': vulnMon,
  'IXIT 6-SoftComp': softComp,
  'IXIT 7-UpdMech': updMech,
  'IXIT 8-UpdProc': updProc,
  'IXIT 10-SecParam': secParam,
  'IXIT 14-SecMgmt': secMgmt,
  'IXIT 15-PhyIntf': phyIntf,
  'IXIT 18-AccCtrl': accCtrl,
  'IXIT 20-SecBoot': secBoot,
  'IXIT 23-ResMech': resMech,
  'IXIT 29-InpVal': inpVal,
};

/** The rows that records have for a table. */
export function ixitRows(records: Records, model: Model, table: string): readonly IxitRow[] {
  return FROM_RECORDS[table]?.(records, model) ?? [];
}
