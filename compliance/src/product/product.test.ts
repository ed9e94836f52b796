import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  addModelsCsv,
  hasTee,
  hasUpdate,
  hasVerifiedBoot,
  isSoldIn,
  marketsFrom,
  type Product,
  parseProductYaml,
} from './index.ts';

const SOURCE = readFileSync(new URL('../../../examples/products/hearth.yaml', import.meta.url), 'utf8');
const HEARTH = parseProductYaml(SOURCE, 'hearth.yaml');
const [gateway, sensor] = HEARTH.models;
if (gateway === undefined || sensor === undefined) throw new TypeError('the example has models');

const lineOf = (text: string): number => SOURCE.slice(0, SOURCE.indexOf(text)).split('\n').length;
const fault = (act: () => unknown): Readonly<Record<string, unknown>> => {
  try {
    act();
  } catch (error) {
    const { code, details } = error as { code: string; details: Readonly<Record<string, unknown>> };
    assert.equal(code, 'PRODUCT_INVALID');
    return details;
  }
  throw new assert.AssertionError({ message: 'it was taken' });
};

test('the example tells a good gateway, a sensor without secure boot and a variant apart', () => {
  assert.deepEqual(HEARTH.models.map(hasVerifiedBoot), [true, false, true]);
  assert.deepEqual(HEARTH.models.map(hasTee), [true, false, true]);
  assert.deepEqual(HEARTH.models.map(hasUpdate), [true, true, true]);
  assert.equal(hasVerifiedBoot({ ...gateway, bootChain: [] }), false);
  assert.deepEqual(
    HEARTH.models.map(({ variantOf }) => variantOf),
    [undefined, undefined, 'gateway'],
  );
});

test('a model is sold in a market from its first to its last day', () => {
  const until = { ...sensor, markets: [{ market: 'EU', from: '2024-09-01', until: '2026-12-31' }] };
  assert.equal(isSoldIn(until, 'EU', '2024-08-31'), false);
  assert.equal(isSoldIn(until, 'EU', '2024-09-01'), true);
  assert.equal(isSoldIn(until, 'EU', '2026-12-31'), true);
  assert.equal(isSoldIn(until, 'EU', '2027-01-01'), false);
  assert.deepEqual(marketsFrom(until, '2027-01-01'), []);
  assert.deepEqual(marketsFrom(gateway, '2026-11-21'), ['EU', 'UK']);
});

test('every fault of a product file is said with its line', () => {
  const table: readonly (readonly [string, string, string])[] = [
    ['core: Cortex-M0', 'core: ""', 'models.1.hardware.0.core'],
    ['from: 2024-09-01', 'from: 2024-13-01', 'models.1.markets.0.from'],
    ['market: UK', 'market: uk', 'models.0.markets.1.market'],
    ['variantOf: gateway', 'variantOf: sensr', 'models.2.variantOf'],
    ['until: 2033-06-30', 'until: soon', 'support.until'],
    ['level: checksum', 'level: trust', 'models.1.bootChain.0.level'],
    ['fuses: not-present', 'fuses: yes', 'models.1.hardware.0.fuses'],
    ['id: sensor', 'id: gateway', 'models.1.id'],
    ['craClass: default', 'craClass: important', 'models.1.craClass'],
  ];
  for (const [before, after, at] of table) {
    const details = fault(() => parseProductYaml(SOURCE.replace(before, after), 'p.yaml'));
    assert.deepEqual([details['line'], details['at']], [lineOf(before), at], after);
  }
});

test('what is no plain YAML is refused: keys twice, tags, aliases, unknown members, bombs', () => {
  const bomb = `a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n`;
  const wrong = [
    `${SOURCE}name: again\n`,
    SOURCE.replace('name: Hearth home line', 'name: !!js/function "x"'),
    SOURCE.replace('name: Hearth home line', 'name: &n Hearth').replace('name: Hearth Gateway', 'name: *n'),
    `${SOURCE}extra: 1\n`,
    bomb,
    'x'.repeat(1_000_001),
    '',
    '- a list',
  ];
  for (const text of wrong) fault(() => parseProductYaml(text, 'p.yaml'));
});

const HEADER =
  'id,name,variantOf,brand,revision,soc,core,tee,secureElement,fuses,debug,markets,radios,uses,updateProtocol,bootChain,craClass,craClassReason';
const PLUG =
  'plug,Hearth Plug,,,A,ESP32-C3,RISC-V,none,none,locked,locked,EU from 2027-01-01 until 2030-01-01;UK from 2027-02-01,Wi-Fi,consumer;industrial,ddi,application by boot loader: signature,default,"A switch, nothing more"';
const LAMP = PLUG.replace('plug,Hearth Plug,,', 'lamp,Hearth Lamp,plug,Lumen');

test('models are added from CSV, quoted cells and all', () => {
  const { models }: Product = addModelsCsv(HEARTH, `\uFEFF${HEADER}\r\n${PLUG}\r\n\r\n${LAMP}\r\n`, 'm.csv');
  assert.equal(models.length, 5);
  const [plug, lamp] = models.slice(3);
  assert.deepEqual(plug?.markets, [
    { market: 'EU', from: '2027-01-01', until: '2030-01-01' },
    { market: 'UK', from: '2027-02-01' },
  ]);
  assert.deepEqual(plug?.uses, ['consumer', 'industrial']);
  assert.deepEqual(plug?.bootChain, [{ stage: 'application', verifier: 'boot loader', level: 'signature' }]);
  assert.equal(plug?.craClassReason, 'A switch, nothing more');
  assert.deepEqual([lamp?.variantOf, lamp?.brand], ['plug', 'Lumen']);
});

test('every fault of a CSV file is said with its line, and nothing of the file is taken', () => {
  const table: readonly (readonly [string, number])[] = [
    [`${HEADER}\n${PLUG}\n${PLUG.replace('plug', 'gateway')}\n`, 3],
    [`${HEADER}\n${PLUG}\n\n${LAMP.replace('EU from 2027-01-01', 'EU at 2027')}\n`, 4],
    [`${HEADER}\n${PLUG.replace('A switch, nothing more', 'A\nswitch')}\n${LAMP.replace('ddi', 'smoke')}\n`, 4],
    [`${HEADER}\n${PLUG},too many\n`, 2],
    [`${HEADER},colour\n${PLUG},red\n`, 1],
    [`${HEADER}\n"open`, 2],
  ];
  for (const [text, line] of table) {
    assert.equal(fault(() => addModelsCsv(HEARTH, text, 'm.csv'))['line'], line, text.slice(HEADER.length));
  }
  fault(() => addModelsCsv(HEARTH, 'x'.repeat(1_000_001), 'm.csv'));
  assert.equal(HEARTH.models.length, 3);
});
