/**
 * How many bits further the next one is flipped: coprime to 8 and below it, so that each byte is touched, and over the bytes
 * each place in one. `npm run test:exhaustive` flips every bit.
 */
export const FLIP_STEP = process.env['PAWL_EXHAUSTIVE'] === '1' ? 1 : 7;
