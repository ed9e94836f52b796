/**
 * The device API: hawkBit's DDI v1 with every quirk that its clients need, and Pawl's enrolment, trust files and signed
 * reports beside it. One choke point names the device; nothing is registered by asking.
 */
export { deviceDirectory } from './known-device.ts';
export { registerDeviceApi } from './register.ts';
