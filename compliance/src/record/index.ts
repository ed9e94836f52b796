/** Files that people write by hand: YAML and CSV with faults that name their line. */
export { faultOf, type Refuse, readCsvRows, readYaml } from './read.ts';
