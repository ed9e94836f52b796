/** Names and numbers that several areas share, each with its grammar. */
import { z } from 'zod';

const LINE_NAME: RegExp = /^[a-z0-9][a-z0-9-]{0,62}$/;
const CONTROLLER_ID = /^(?!\.)[A-Za-z0-9._:-]{1,128}$/;
const FILE_NAME = /^(?!\.)[A-Za-z0-9._+~-]{1,128}$/;
const SEMVER = /^(0|[1-9]\d{0,9})\.(0|[1-9]\d{0,9})\.(0|[1-9]\d{0,9})(-[0-9A-Za-z.-]{1,64})?(\+[0-9A-Za-z.-]{1,64})?$/;

export const lineName = z.string().regex(LINE_NAME);
export const controllerId = z.string().regex(CONTROLLER_ID);
export const artifactName = z.string().regex(FILE_NAME);
export const releaseVersion = z.string().max(160).regex(SEMVER);
export const decimal = z.string().regex(/^(0|[1-9][0-9]{0,19})$/);
export const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);
export const base64 = z.base64();
export const time = z.iso.datetime();
export const name = z.string().min(1).max(128);
export const tag = z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/);
export const day = z.iso.date();
/** The name of a product, or of a model of one. */
export const productName = z.string().regex(LINE_NAME);
/** Text that people read, of one line. */
export const sentence = z
  .string()
  .trim()
  .min(1)
  .max(500)
  .regex(/^\P{C}*$/u);
export const numericId = z.number().int().min(1).max(2_147_483_647);
