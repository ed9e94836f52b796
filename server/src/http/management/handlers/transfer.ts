/** Handlers of devices that go to another tenant. */
import { offerDevices, takeDevices, withdrawOffer } from '../../../acts/registry/transfer.ts';
import { DONE, type Handlers } from './handler.ts';

export const TRANSFER_HANDLERS: Pick<Handlers, 'offerDevices' | 'withdrawOffer' | 'takeDevices'> = {
  offerDevices: ({ actor, body }, ports) => offerDevices(ports, actor, body),
  withdrawOffer: async ({ actor, params }, ports) => {
    await withdrawOffer(ports, actor, params.id);
    return DONE;
  },
  takeDevices: ({ actor, body }, ports) => takeDevices(ports, actor, body),
};
