/** Every document of a product: those of each model, then those of the whole. */
import { architectureDocument } from './architecture.ts';
import { declarationDraft } from './declaration.ts';
import { disclosurePolicy } from './disclosure-policy.ts';
import type { Document } from './document.ts';
import { en18031Document } from './en18031.ts';
import { icsDocument, iec62443Document } from './forms.ts';
import { keyAudit } from './key-audit.ts';
import { recertificationPlan, statusLetter, supplierInquiry } from './product-papers.ts';
import type { Records } from './records.ts';
import { riskAssessment, threatModel } from './security.ts';
import { technicalFile } from './technical-file.ts';
import { testReport } from './test-report.ts';
import { userInformation } from './user-information.ts';

const OF_MODEL = [
  architectureDocument,
  technicalFile,
  declarationDraft,
  userInformation,
  icsDocument,
  en18031Document,
  iec62443Document,
  threatModel,
  riskAssessment,
  testReport,
  keyAudit,
] as const;

const OF_PRODUCT = [disclosurePolicy, recertificationPlan, statusLetter, supplierInquiry] as const;

/** Builds all documents from the same records. */
export function buildDocuments(records: Records): Document[] {
  return [
    ...records.product.models.flatMap((model) => OF_MODEL.map((build) => build(records, model))),
    ...OF_PRODUCT.map((build) => build(records)),
  ];
}
