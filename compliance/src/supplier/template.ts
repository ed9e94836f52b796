/** The questions of an inquiry as data: those that come with the product, or a file of one's own. */
import { readFileSync } from 'node:fs';
import { type InquiryTemplate, inquiryTemplate } from '@pawl/contract/management';
import { readYaml } from '../record/index.ts';
import { SupplierError } from './errors.ts';

/** The text of the template that comes with the product. */
export function ownTemplateText(): string {
  return readFileSync(new URL('../../data/supplier-inquiry.json', import.meta.url), 'utf8');
}

/**
 * Reads a template from YAML or JSON.
 * @throws SupplierError INQUIRY_TEMPLATE_INVALID with the line
 */
export function parseInquiryTemplate(source: string, file: string): InquiryTemplate {
  return readYaml(
    inquiryTemplate,
    { source, file },
    (fault, cause) => new SupplierError('INQUIRY_TEMPLATE_INVALID', fault, cause),
  );
}

/** The template that comes with the product. */
export function loadInquiryTemplate(): InquiryTemplate {
  return parseInquiryTemplate(ownTemplateText(), 'supplier-inquiry.json');
}
