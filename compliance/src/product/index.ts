/** Products: line, models, hardware, markets, boot chain, update path; read from YAML and CSV with errors that name the line. */
export { PRODUCT_ERRORS, ProductError, type ProductErrorCode } from './errors.ts';
export { addModelsCsv, parseProductYaml } from './import.ts';
export { aboutModel, type DeclarationFacts, type Risk, type TreeDecision } from './papers.ts';
export {
  type BootStage,
  hasTee,
  hasUpdate,
  hasVerifiedBoot,
  isSoldIn,
  type Model,
  marketsFrom,
  type Product,
  parseProductRecord,
} from './product.ts';
