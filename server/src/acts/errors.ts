import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

export const SERVER_ERRORS = {
  SERVER_TLS_REQUIRED: {
    message: 'the server would listen beyond this machine without TLS',
    advice: 'Give --tls-cert and --tls-key, or name the trusted proxy that ends TLS, or listen on 127.0.0.1.',
    status: 500,
  },
  SERVER_PORT_IN_USE: {
    message: 'the address is already in use',
    advice: 'Stop what listens there, or choose another --port.',
    status: 503,
  },
  BACKUP_SOURCE_MISSING: {
    message: 'there is no database in this data folder',
    advice: 'Name the folder that `pawl serve --data` uses; PostgreSQL is backed up with pg_dump.',
    status: 404,
  },
  BACKUP_TARGET_NOT_EMPTY: {
    message: 'the target folder is not empty',
    advice: 'Name a folder that does not exist yet.',
    status: 409,
  },
  BACKUP_DAMAGED: {
    message: 'the backup is incomplete, or was changed',
    advice: 'Take another backup. Nothing was restored.',
    status: 422,
  },
  SERVER_KEYS_DIFFER: {
    message: 'the online keys in the data folder are not those that this database knows',
    advice: 'Give every server of this installation the same keys folder, or restore it from the backup.',
    status: 500,
  },
  SECRET_UNREADABLE: {
    message: 'a sealed secret in the database does not open with the key of the data folder',
    advice:
      'Restore the keys folder that belongs to this database, or make the secret anew, such as by "pawl webhook rotate".',
    status: 500,
  },
  SERVER_CONFIG_INVALID: {
    message: 'the configuration of the server cannot be used',
    advice: 'Check the setting that is named.',
    status: 500,
  },
  DEVICE_UNKNOWN: {
    message: 'there is no such device',
    advice: 'List the devices with `pawl device list`.',
    status: 404,
  },
  DEVICE_EXISTS: {
    message: 'a device with this controller id exists',
    advice: 'Choose another controller id; decommissioned devices keep theirs.',
    status: 409,
  },
  WEBHOOK_UNKNOWN: {
    message: 'there is no such webhook',
    advice: 'List them with `pawl webhook list`.',
    status: 404,
  },
  WEBHOOK_LIMIT: {
    message: 'there are as many webhooks as a tenant may have',
    advice: 'Remove one that is no longer used.',
    status: 409,
  },
  SERVER_NOT_READY: {
    message: 'this process does not take requests now',
    advice: 'Ask another one: this one is about to stop, or its database or its objects are away.',
    status: 503,
  },
  EVENTS_STREAMS_LIMIT: {
    message: 'as many event streams are open as may be',
    advice: 'Close one, or read GET /api/v1/events.',
    status: 429,
  },
  EVENTS_GONE: {
    message: 'the events behind this place are no longer kept',
    advice: 'Read what is now, and go on from the newest event.',
    status: 410,
  },
  MENDER_REQUEST_UNKNOWN: {
    message: 'there is no such request of a Mender client',
    advice: 'List them with `pawl mender list`; pending ones that were not heard of for long are forgotten.',
    status: 404,
  },
  MENDER_REQUEST_EXISTS: {
    message: 'a Mender client with this identity and key has asked already',
    advice: 'Accept its request: `pawl mender accept`.',
    status: 409,
  },
  MENDER_KEY_UNSUITABLE: {
    message: 'this key cannot name a device',
    advice: 'Use RSA of 2048 bits or more, ECDSA or Ed25519, as SPKI PEM, whose private half was never published.',
    status: 422,
  },
  ROLLOUT_UNAPPROVED: {
    message: 'not enough people have approved the rollout as it is now',
    advice: 'Let people other than its author approve it: `pawl rollout approve`. A change takes every approval away.',
    status: 409,
  },
  APPROVAL_BY_AUTHOR: {
    message: 'whoever made a rollout does not approve it',
    advice: 'Ask other people to approve it.',
    status: 409,
  },
  APPROVAL_TWICE: {
    message: 'this person has approved the rollout already',
    advice: 'Ask other people to approve it.',
    status: 409,
  },
  APPROVAL_NONE: {
    message: 'this person has not approved the rollout',
    advice: 'Only your own approval can be taken back; `pawl rollout approval` shows who approved.',
    status: 409,
  },
  ROLLOUT_RETURN_NOT_NEWER: {
    message: 'the release is not newer than the one that devices shall return from',
    advice: 'Seal the content of the good version as a new release: same line, higher sequence number.',
    status: 409,
  },
  ROLLOUT_ATTESTATION_UNAVAILABLE: {
    message: 'there is no reference value by which devices that attest this release could be judged',
    advice:
      'Attested are releases of Pawl, published since there is attestation: publish a newer one, or use --success confirmed.',
    status: 409,
  },
  TIME_ZONE_UNKNOWN: {
    message: 'there is no such time zone',
    advice: 'Use a name of the IANA time zone database, such as Europe/Berlin, or an offset, such as +05:30.',
    status: 422,
  },
  ROLLOUT_NOT_SECURITY: {
    message: 'the rollout is for security fixes only, and the release is not marked as that',
    advice: 'Publish with `--urgency security --justification TEXT`, or make the rollout without --security-only.',
    status: 409,
  },
  TENANT_EXISTS: {
    message: 'this tenant exists and has an admin',
    advice: 'Its admins invite others; list the tenants with `pawl tenant list`.',
    status: 409,
  },
  TRUST_ROOT_MISSING: {
    message: 'the repository has no root metadata yet',
    advice: 'Hand in the root first: `pawl publish --trust`.',
    status: 409,
  },
  TRUST_LINE_KEYS_UNLISTED: {
    message: 'the key list is not what the targets metadata lists',
    advice: 'Sign targets metadata that lists keys/<line>.cbor with this length and digest, and hand in both.',
    status: 422,
  },
  RELEASE_UNKNOWN: {
    message: 'there is no such release',
    advice: 'List the releases: GET /api/v1/releases.',
    status: 404,
  },
  RELEASE_EXISTS: {
    message: 'this line has a release of this version',
    advice: 'A release never changes: seal a new version.',
    status: 409,
  },
  RELEASE_IMMUTABLE: {
    message: 'the release is published and never changes again',
    advice: 'Seal and publish a new version.',
    status: 409,
  },
  RELEASE_EXPIRED: {
    message: 'an artifact of the release is not kept any more',
    advice: 'Upload the artifact that is named again, the very same bytes, or publish a new version.',
    status: 409,
  },
  OBJECT_LEAVING: {
    message: 'these bytes were not needed any more and are being deleted right now',
    advice: 'Send the request again in a moment.',
    status: 503,
  },
  RELEASE_INCOMPLETE: {
    message: 'not every artifact of the release is uploaded',
    advice: 'Upload the artifact that is named, then publish again.',
    status: 409,
  },
  RELEASE_UNLISTED: {
    message: "the line's targets metadata does not list this artifact as it is",
    advice: 'List the release and hand in the metadata first; `pawl publish` does both.',
    status: 422,
  },
  RELEASE_DISAGREES: {
    message: 'the manifest and what was announced or listed say different things',
    advice: 'Seal the release again; version, sequence number and security counter must agree everywhere.',
    status: 422,
  },
  RELEASE_UNSIGNED: {
    message: 'the release is not signed by a key that may sign for its line',
    advice: 'Sign with a key of keys/<line>.cbor; for foreign images register the certificate or key of the line.',
    status: 422,
  },
  RELEASE_NOT_PUBLISHED: {
    message: 'the release is still a draft',
    advice: 'Publish it first.',
    status: 409,
  },
  ARTIFACT_UNKNOWN: {
    message: 'the release has no artifact of this name',
    advice: 'Upload only what the release announced.',
    status: 404,
  },
  ROLLOUT_UNKNOWN: {
    message: 'there is no such rollout',
    advice: 'List the rollouts with `pawl rollout show`.',
    status: 404,
  },
  ROLLOUT_EMPTY: {
    message: 'the filter matches no device',
    advice: 'Check the filter with `pawl device list --filter …`.',
    status: 409,
  },
  ROLLOUT_BELOW_FLOOR: {
    message: 'a device of this rollout would refuse the release: its floor is higher',
    advice: 'Seal a release with a security counter at or above the floor.',
    status: 409,
  },
  ROLLOUT_STATE_UNSUITABLE: {
    message: 'the rollout is not in a state for this',
    advice: 'Look at it with `pawl rollout show`.',
    status: 409,
  },
  ROLLOUT_SCHEDULE_INVALID: {
    message: 'the end of the rollout is not after its start, or has passed',
    advice: 'Give an endAt after startAt and after now.',
    status: 409,
  },
  ROLLOUT_NOTHING_TO_RETRY: {
    message: 'no device of the rollout failed, or each was tried as often as a device may be',
    advice: 'Look at the devices with `pawl rollout show`; a new rollout can name them by a filter.',
    status: 409,
  },
  ROLLOUT_LAST_WAVE: {
    message: 'the last wave has started: there is no next one',
    advice: 'Look at the waves with `pawl rollout show`.',
    status: 409,
  },
  ASSIGNMENT_UNKNOWN: {
    message: 'there is no such assignment',
    advice: 'List them with `pawl rollout show`.',
    status: 404,
  },
  ASSIGNMENT_FINAL: {
    message: 'the assignment has ended',
    advice: 'Nothing is left to cancel.',
    status: 409,
  },
  LEDGER_ENTRY_UNKNOWN: {
    message: 'the ledger has no entry of this index',
    advice: 'Indexes run from 0 to the size of the checkpoint less one.',
    status: 404,
  },
} as const satisfies ErrorTable;

export type ServerErrorCode = keyof typeof SERVER_ERRORS;

/** What the server refuses to do for an operator. */
export class ServerError extends CodedError<ServerErrorCode> {
  constructor(code: ServerErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(SERVER_ERRORS, code), details, cause);
    this.name = 'ServerError';
  }
}
