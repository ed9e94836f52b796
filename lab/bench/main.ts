/** `npm run bench [polls|reports|rollout-start|ranges|seal|install|crypto|docs|ledger]`: runs the benchmarks one after the other and prints their tables. */
import { benchCrypto } from './crypto.ts';
import { benchDocs } from './docs.ts';
import { benchInstall } from './install.ts';
import { benchLedger } from './ledger.ts';
import { benchPolls } from './polls.ts';
import { benchRanges } from './ranges.ts';
import { benchReports } from './reports.ts';
import { benchRolloutStart } from './rollout-start.ts';
import { benchSeal } from './seal.ts';

const BENCHES: Readonly<Record<string, () => Promise<void>>> = {
  polls: benchPolls,
  reports: benchReports,
  'rollout-start': benchRolloutStart,
  ranges: benchRanges,
  seal: benchSeal,
  install: benchInstall,
  crypto: benchCrypto,
  docs: benchDocs,
  ledger: benchLedger,
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => BENCHES[name] === undefined);
if (unknown === undefined) {
  for (const [name, bench] of Object.entries(BENCHES)) if (wanted.length === 0 || wanted.includes(name)) await bench();
} else {
  console.error(`error: there is no benchmark ${JSON.stringify(unknown)}\nhint: ${Object.keys(BENCHES).join(', ')}`);
  process.exitCode = 2;
}
