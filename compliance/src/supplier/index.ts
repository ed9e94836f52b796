/** Inquiries to suppliers: templates as data, what answers are, and what they are worth. */
export { faultOfAnswer, isFavourable, isWorthAtLeast, worthOf } from './answer.ts';
export { SUPPLIER_ERRORS, SupplierError, type SupplierErrorCode } from './errors.ts';
export { dueReminder } from './reminder.ts';
export { loadInquiryTemplate, ownTemplateText, parseInquiryTemplate } from './template.ts';
