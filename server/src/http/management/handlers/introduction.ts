/** Handlers of devices that introduced themselves, whatever client they run. */
import type { Introduction } from '@pawl/contract/management';
import { approveIntroduction, rejectIntroduction } from '../../../acts/enrolment/introduction.ts';
import { acceptMenderRequest, rejectMenderRequest } from '../../../acts/mender-admission.ts';
import { RegistryError } from '../../../acts/registry/errors.ts';
import { introductionView, queryIntroductions } from '../../../store/introductions.ts';
import { menderIntroductionView, menderKeyOf, queryMenderAuths } from '../../../store/mender.ts';
import { ApiError } from '../../errors.ts';
import { type Handlers, PAGE, pageOf } from './handler.ts';

type Place = { readonly client: 'pawl' | 'mender'; readonly id: number };

function parsePlace(text: string): Place | undefined {
  const [, client, id] = /^(pawl|mender)-([0-9]{1,10})$/.exec(text) ?? [];
  return client === undefined ? undefined : { client: client === 'pawl' ? 'pawl' : 'mender', id: Number(id) };
}

function readCursor(cursor: string | undefined): Place {
  const place = parsePlace(cursor ?? 'pawl-0');
  if (place === undefined) throw new ApiError('API_REQUEST_INVALID', { at: 'cursor', actual: cursor });
  return place;
}

function placeOf(introductionId: string): Place {
  const place = parsePlace(introductionId);
  if (place === undefined) throw new RegistryError('INTRODUCTION_UNKNOWN', { introductionId });
  return place;
}

export const INTRODUCTION_HANDLERS: Pick<Handlers, 'listIntroductions' | 'approveIntroduction' | 'rejectIntroduction'> =
  {
    listIntroductions: async ({ actor: { tenantId }, query }, { database: { read } }) => {
      const limit = query.limit ?? PAGE;
      const { client, id } = readCursor(query.cursor);
      const { state } = query;
      const find = { tenantId, state, limit: limit + 1 };
      const own = client === 'mender' ? [] : await queryIntroductions(read, { ...find, afterId: id });
      const afterId = client === 'mender' ? id : 0;
      const mender = own.length > limit ? [] : await queryMenderAuths(read, { ...find, afterId });
      const all: Introduction[] = [...own.map(introductionView), ...mender.map(menderIntroductionView)];
      return pageOf(all, limit, (item) => item.id);
    },
    approveIntroduction: async ({ actor, params, body }, ports) => {
      const { client, id } = placeOf(params.introductionId);
      if (client === 'pawl') return approveIntroduction(ports, actor, id, body);
      const { keyId, ...input } = body;
      const key = await menderKeyOf(ports.database.read, actor.tenantId, id);
      if (key === undefined) throw new RegistryError('INTRODUCTION_UNKNOWN', { introductionId: params.introductionId });
      if (keyId !== undefined && keyId !== key) {
        throw new RegistryError('INTRODUCTION_KEY_DIFFERS', { expected: keyId, actual: key });
      }
      await acceptMenderRequest(ports, actor, id, input);
      return menderView(ports.database.read, actor.tenantId, id);
    },
    rejectIntroduction: async ({ actor, params }, ports) => {
      const { client, id } = placeOf(params.introductionId);
      if (client === 'pawl') return rejectIntroduction(ports, actor, id);
      if ((await menderKeyOf(ports.database.read, actor.tenantId, id)) === undefined) {
        throw new RegistryError('INTRODUCTION_UNKNOWN', { introductionId: params.introductionId });
      }
      await rejectMenderRequest(ports, actor, id);
      return menderView(ports.database.read, actor.tenantId, id);
    },
  };

async function menderView(db: Parameters<typeof queryMenderAuths>[0], tenantId: number, id: number) {
  const [row] = await queryMenderAuths(db, { tenantId, id, limit: 1 });
  if (row === undefined) throw new TypeError('the request was just written');
  return menderIntroductionView(row);
}
