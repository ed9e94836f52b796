/** Schema and mandatory tests of the CSAF community's own validator, of 2.0 and 2.1. */

import * as mandatory21 from '@secvisogram/csaf-validator-lib/csaf_2_1/mandatoryTests.js';
import { csaf_2_1_strict } from '@secvisogram/csaf-validator-lib/csaf_2_1/schemaTests.js';
import * as mandatory20 from '@secvisogram/csaf-validator-lib/mandatoryTests.js';
import { csaf_2_0_strict } from '@secvisogram/csaf-validator-lib/schemaTests.js';
import run from '@secvisogram/csaf-validator-lib/validate.js';

type Test = (document: unknown) => unknown;
const testsOf = (module: object): Test[] => Object.values(module) as Test[];

const TESTS = {
  '2.0': [csaf_2_0_strict, ...testsOf(mandatory20)],
  '2.1': [csaf_2_1_strict, ...testsOf(mandatory21)],
};

/** What is wrong with a document, one line each. */
export async function validate(document: object, version: '2.0' | '2.1'): Promise<{ errors: string[] }> {
  const { tests } = await run(TESTS[version], document);
  const errors = tests
    .filter(({ isValid }) => !isValid)
    .flatMap((one) => one.errors.map(({ instancePath, message }) => `${one.name} ${instancePath}: ${message}`));
  return { errors };
}
