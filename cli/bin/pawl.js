#!/usr/bin/env node
/**
 * Starts `pawl`. Plain JavaScript, so that an old Node gives a sentence instead of a syntax error, and so that the compiled
 * code of everything else can be kept: the next start costs half the time and less memory. It is kept beside the packages
 * and nowhere else; a folder that others may write would let them choose what runs.
 */
import * as nodeModule from 'node:module';
import { join } from 'node:path';

const NODE_MINIMUM = [24, 12];

/** @param {string} version */
function isNodeRecent(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > NODE_MINIMUM[0] || (major === NODE_MINIMUM[0] && minor >= NODE_MINIMUM[1]);
}

if (isNodeRecent(process.versions.node)) {
  nodeModule.enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/pawl'));
  await import('../src/main.ts');
} else {
  process.stderr.write(`error: Pawl needs Node ${NODE_MINIMUM.join('.')} or newer; this is ${process.versions.node}\n`);
  process.stderr.write('hint: run it as "npm run pawl --", which uses the Node that npm ci installed.\n');
  process.exitCode = 3;
}
