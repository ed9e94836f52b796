/** Devices that introduced themselves and wait for an operator; one list, whatever client they run. */
import { z } from 'zod';
import { approval, INTRODUCTION_STATES, introduction, introductionId } from '../resources/introduction.ts';
import { cursor, limit, type OperationTable, page } from './operation.ts';

const byIntroduction = z.strictObject({ introductionId });

export const INTRODUCTION_OPERATIONS = {
  listIntroductions: {
    method: 'GET',
    path: '/api/v1/introductions',
    summary: 'Devices that introduced themselves by a key, and what became of it; oldest first, Mender clients last',
    allow: 'device:read',
    query: z.strictObject({ state: z.enum(INTRODUCTION_STATES).optional(), cursor, limit }),
    response: page(introduction),
    errors: [],
  },
  approveIntroduction: {
    method: 'POST',
    path: '/api/v1/introductions/{introductionId}/approve',
    summary: 'Let a device in that introduced itself, under a name and with a model; or give a device its new key',
    allow: 'device:write',
    params: byIntroduction,
    body: approval,
    response: introduction,
    errors: [
      'INTRODUCTION_UNKNOWN',
      'INTRODUCTION_ANSWERED',
      'INTRODUCTION_KEY_DIFFERS',
      'DEVICE_EXISTS',
      'DEVICE_UNKNOWN',
      'MENDER_REQUEST_UNKNOWN',
    ],
  },
  rejectIntroduction: {
    method: 'POST',
    path: '/api/v1/introductions/{introductionId}/reject',
    summary: 'Keep a device out that introduced itself; it hears so, and asks no more',
    allow: 'device:write',
    params: byIntroduction,
    body: z.strictObject({}),
    response: introduction,
    errors: ['INTRODUCTION_UNKNOWN', 'INTRODUCTION_ANSWERED', 'MENDER_REQUEST_UNKNOWN'],
  },
} as const satisfies OperationTable;
