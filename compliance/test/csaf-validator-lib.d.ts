/** The little of `@secvisogram/csaf-validator-lib` that the tests use; the package brings no types. */
declare module '@secvisogram/csaf-validator-lib/validate.js' {
  type Test = (document: unknown) => unknown;
  type Result = { tests: { name: string; isValid: boolean; errors: { message?: string; instancePath: string }[] }[] };
  const validate: (tests: readonly Test[], document: object) => Promise<Result>;
  export default validate;
}
declare module '@secvisogram/csaf-validator-lib/schemaTests.js' {
  export const csaf_2_0_strict: (document: unknown) => unknown;
}
declare module '@secvisogram/csaf-validator-lib/mandatoryTests.js' {}
declare module '@secvisogram/csaf-validator-lib/csaf_2_1/schemaTests.js' {
  export const csaf_2_1_strict: (document: unknown) => unknown;
}
declare module '@secvisogram/csaf-validator-lib/csaf_2_1/mandatoryTests.js' {}
