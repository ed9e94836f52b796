/**
 * Why a release is there, in the words of those who publish it: for the users of devices, who may put off what brings new
 * functions and be told what a security fix is about (CRA Annex I, Part I (2)(c), Part II (2)).
 */
import { z } from 'zod';

export const URGENCIES = ['security', 'feature', 'mixed'] as const;
export type Urgency = (typeof URGENCIES)[number];

/** What a device is offered without being asked: everything, security fixes only, or nothing. */
export const OPT_OUTS = ['none', 'features', 'all'] as const;
export type OptOut = (typeof OPT_OUTS)[number];

const TEXT_MAX = 4096;

export const releaseAdvice = {
  /** For the user of a device. */
  notice: z.string().min(1).max(TEXT_MAX).optional(),
  /** CVE ids and other names of what is fixed. */
  references: z
    .array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/))
    .max(64)
    .optional(),
  /** Why it is what `urgency` says: needed for `security`, and kept. */
  justification: z.string().min(1).max(TEXT_MAX).optional(),
};
