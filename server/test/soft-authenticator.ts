/**
 * A passkey authenticator in software, written from WebAuthn Level 3 (§5.8.1 client data, §6.1 authenticator data, §6.5.4
 * attestation object): makes credentials and assertions, and every wrong one that a test wants.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { Assertion, CreationOptions, NewCredential } from '@pawl/contract/management';
import { encodeCbor } from '@pawl/core/cbor';

const FLAGS = { up: 0x01, uv: 0x04, be: 0x08, bs: 0x10, at: 0x40 };

/** What an answer says other than it should. */
export type Twist = {
  readonly origin?: string;
  readonly rpId?: string;
  readonly challenge?: string;
  readonly type?: string;
  readonly crossOrigin?: boolean;
  readonly isUserVerified?: boolean;
  readonly counter?: number;
  readonly userHandle?: string | null;
  readonly signWith?: KeyObject;
};

const b64u = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const sha256 = (data: string | Uint8Array): Buffer => createHash('sha256').update(data).digest();

export class SoftAuthenticator {
  readonly credentialId = randomBytes(24);
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly #origin: string;
  readonly #rpId: string;
  #userHandle = '';
  #counter = 0;

  constructor(origin: string) {
    this.#origin = origin;
    this.#rpId = new URL(origin).hostname;
  }

  #clientData(type: string, challenge: string, twist: Twist): Buffer {
    const { origin = this.#origin, crossOrigin = false } = twist;
    const data = { type: twist.type ?? type, challenge: twist.challenge ?? challenge, origin, crossOrigin };
    return Buffer.from(JSON.stringify(data));
  }

  #authData(flags: number, twist: Twist, attested: Uint8Array = new Uint8Array()): Buffer {
    const counter = Buffer.alloc(4);
    this.#counter = twist.counter ?? this.#counter + 1;
    counter.writeUInt32BE(this.#counter);
    const verified = twist.isUserVerified === false ? 0 : FLAGS.uv;
    const head = Buffer.of(flags | FLAGS.up | verified);
    return Buffer.concat([sha256(twist.rpId ?? this.#rpId), head, counter, attested]);
  }

  /** RFC 9053 §7.1.1: kty EC2, alg ES256, crv P-256, x, y. */
  #coseKey(): Uint8Array {
    const { x = '', y = '' } = this.#keys.publicKey.export({ format: 'jwk' });
    const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'));
    return encodeCbor(
      new Map<number, number | Uint8Array>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, bytes(x)],
        [-3, bytes(y)],
      ]),
    );
  }

  create(options: CreationOptions, twist: Twist = {}): NewCredential {
    this.#userHandle = options.user.id;
    const length = Buffer.alloc(2);
    length.writeUInt16BE(this.credentialId.length);
    const attested = Buffer.concat([Buffer.alloc(16), length, this.credentialId, this.#coseKey()]);
    const authData = new Uint8Array(this.#authData(FLAGS.at, { counter: 0, ...twist }, attested));
    const statement = new Map<string, never>();
    const object = encodeCbor(
      new Map<string, unknown>([
        ['fmt', 'none'],
        ['attStmt', statement],
        ['authData', authData],
      ]) as never,
    );
    const clientDataJSON = b64u(this.#clientData('webauthn.create', options.challenge, twist));
    const id = b64u(this.credentialId);
    const response = { clientDataJSON, attestationObject: b64u(object), transports: ['internal'] };
    return { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response };
  }

  get({ challenge }: { readonly challenge: string }, twist: Twist = {}): Assertion {
    const clientData = this.#clientData('webauthn.get', challenge, twist);
    const authData = this.#authData(FLAGS.be | FLAGS.bs, twist);
    const signed = Buffer.concat([authData, sha256(clientData)]);
    const id = b64u(this.credentialId);
    return {
      id,
      rawId: id,
      type: 'public-key',
      clientExtensionResults: {},
      response: {
        clientDataJSON: b64u(clientData),
        authenticatorData: b64u(authData),
        signature: b64u(sign('sha256', signed, twist.signWith ?? this.#keys.privateKey)),
        userHandle: twist.userHandle === undefined ? this.#userHandle : twist.userHandle,
      },
    };
  }
}
