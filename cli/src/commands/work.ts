/** The commands of operators and devices, loaded when they are called: an agent on a device never loads the server. */
import type { CommandTable } from '../frame/parse.ts';

export const WORK_COMMANDS: CommandTable = {
  init: { summary: 'make a workspace: keys and trust', load: async () => (await import('./init.ts')).init },
  key: { summary: 'sealed private keys of the workspace', load: async () => (await import('./key.ts')).key },
  trust: { summary: 'who may sign what, and ceremonies', load: async () => (await import('./trust.ts')).trust },
  seal: { summary: 'encrypt, describe and sign an image', load: async () => (await import('./seal.ts')).seal },
  image: { summary: 'firmware images: describe, sign, open', load: async () => (await import('./image.ts')).image },
  verify: { summary: 'verify a file or folder, offline', load: async () => (await import('./verify.ts')).verify },
  explain: { summary: 'show what is in a SUIT envelope', load: async () => (await import('./explain.ts')).explain },
  login: { summary: 'log this workspace in to a server', load: async () => (await import('./login.ts')).login },
  publish: { summary: 'list a release and upload it', load: async () => (await import('./publish.ts')).publish },
  serve: { summary: 'run the update server', load: async () => (await import('./serve.ts')).serve },
  backup: {
    summary: 'copy the data folder of a server, which may be running',
    load: async () => (await import('./backup.ts')).backup,
  },
  restore: {
    summary: 'make a data folder from a backup',
    load: async () => (await import('./backup.ts')).restore,
  },
  people: { summary: 'who may use the server', load: async () => (await import('./people.ts')).people },
  token: { summary: 'tokens of the API', load: async () => (await import('./token.ts')).token },
  audit: { summary: 'who did what', load: async () => (await import('./audit.ts')).audit },
  device: { summary: 'the devices that the server knows', load: async () => (await import('./device.ts')).device },
  authority: {
    summary: 'certificates that let devices in',
    load: async () => (await import('./authority.ts')).authority,
  },
  group: { summary: 'filters that have a name', load: async () => (await import('./group.ts')).group },
  gateway: {
    summary: 'tokens that act for several devices',
    load: async () => (await import('./gateway.ts')).gateway,
  },
  tenant: {
    summary: 'organisations that share the server',
    load: async () => (await import('./tenant.ts')).tenant,
  },
  mender: { summary: 'let Mender clients in', load: async () => (await import('./mender.ts')).mender },
  policy: { summary: 'when and for whom updates come', load: async () => (await import('./policy.ts')).policy },
  rollout: { summary: 'bring a release to devices', load: async () => (await import('./rollout.ts')).rollout },
  events: { summary: 'what happened, and what happens', load: async () => (await import('./events.ts')).events },
  webhook: { summary: 'where events are posted to', load: async () => (await import('./webhook.ts')).webhook },
  release: { summary: 'what belongs to a release', load: async () => (await import('./release.ts')).release },
  vulnerability: {
    summary: 'reports of weaknesses, and what comes of them',
    load: async () => (await import('./vulnerability-group.ts')).vulnerability,
  },
  incident: {
    summary: 'reports to the authorities, and their clocks',
    load: async () => (await import('./incident.ts')).incident,
  },
  disclosure: {
    summary: 'how reports of weaknesses come in',
    load: async () => (await import('./disclosure.ts')).disclosure,
  },
  agent: { summary: 'the device side', load: async () => (await import('./agent.ts')).agent },
  lab: { summary: 'simulated fleets', load: async () => (await import('./lab.ts')).lab },
  catalogue: {
    summary: 'requirement catalogues and deadlines',
    load: async () => (await import('./catalogue.ts')).catalogue,
  },
  gap: { summary: 'what a product has shown, and what not', load: async () => (await import('./gap.ts')).gap },
  docs: { summary: 'documents of a product', load: async () => (await import('./docs.ts')).docs },
  product: {
    summary: 'what products are, and what does not apply to them',
    load: async () => (await import('./product.ts')).product,
  },
  evidence: {
    summary: 'documents that were taken in as evidence',
    load: async () => (await import('./evidence.ts')).evidence,
  },
  inquiry: {
    summary: 'what suppliers are asked, and what they answered',
    load: async () => (await import('./inquiry.ts')).inquiry,
  },
  share: {
    summary: "who may look at one product's evidence by a link",
    load: async () => (await import('./share.ts')).share,
  },
  laboratory: {
    summary: 'laboratories, as you wrote them down',
    load: async () => (await import('./laboratory.ts')).laboratory,
  },
  testplan: {
    summary: 'tests planned by one edition, and their results',
    load: async () => (await import('./testplan.ts')).testplan,
  },
  ledger: {
    summary: 'what has happened, and the proof of it',
    load: async () => (await import('./ledger.ts')).ledger,
  },
};
