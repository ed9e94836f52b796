/** Handlers of inquiries to suppliers. */
import { SupplyError } from '../../../acts/supply/errors.ts';
import {
  makeInquiry,
  mustFindInquiry,
  renewInquiryLink,
  reviewInquiry,
  revokeInquiryLink,
  withdrawInquiry,
} from '../../../acts/supply/inquiry.ts';
import { inquiryView } from '../../../acts/supply/inquiry-record.ts';
import { queryInquiries } from '../../../store/inquiries.ts';
import { readCursor } from '../cursor.ts';
import { type Handlers, PAGE, pageOf } from './handler.ts';

export const INQUIRY_HANDLERS: Pick<
  Handlers,
  | 'makeInquiry'
  | 'listInquiries'
  | 'getInquiry'
  | 'renewInquiryLink'
  | 'revokeInquiryLink'
  | 'reviewInquiry'
  | 'withdrawInquiry'
  | 'getAnswerFile'
> = {
  makeInquiry: ({ actor, body }, ports) => makeInquiry(ports, actor, body),
  listInquiries: async ({ actor, query }, { database, now }) => {
    const { product, cursor } = query;
    const limit = query.limit ?? PAGE;
    const at = { beforeId: readCursor(cursor), limit: limit + 1 };
    const rows = await queryInquiries(database.read, { tenantId: actor.tenantId, product, ...at });
    const views = [];
    for (const row of rows) views.push(await inquiryView(database.read, row, now()));
    return pageOf(views, limit, ({ id }) => String(id));
  },
  getInquiry: async ({ actor, params }, { database, now }) =>
    inquiryView(database.read, await mustFindInquiry(database.read, actor.tenantId, params.id), now()),
  renewInquiryLink: ({ actor, params, body }, ports) => renewInquiryLink(ports, actor, params.id, body.validForDays),
  revokeInquiryLink: ({ actor, params }, ports) => revokeInquiryLink(ports, actor, params.id),
  reviewInquiry: ({ actor, params, body }, ports) => reviewInquiry(ports, actor, params.id, body),
  withdrawInquiry: ({ actor, params, body }, ports) => withdrawInquiry(ports, actor, params.id, body.reason),
  getAnswerFile: async ({ actor, params }, { database, blobs, now }) => {
    const row = await mustFindInquiry(database.read, actor.tenantId, params.id);
    const { rounds } = await inquiryView(database.read, row, now());
    const files = rounds.flatMap(({ answers }) => answers.flatMap((one) => one.files));
    if (!files.some(({ sha256 }) => sha256 === params.sha256)) throw new SupplyError('INQUIRY_UNKNOWN', params);
    return await blobs.readVerified(params.sha256);
  },
};
