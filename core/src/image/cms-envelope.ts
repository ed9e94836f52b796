/**
 * CMS EnvelopedData (RFC 5652 §6) for RSA recipients (key transport, RFC 3370 §4.2.1 and RFC 3560), content under AES-CBC,
 * as RAUC encrypts its signatures. It hides, and proves nothing: what comes out must be verified.
 */
import { constants, createDecipheriv, createPrivateKey, type KeyObject, privateDecrypt } from 'node:crypto';
import { type DerReader, malformedDer, parseDer, TAG } from './der.ts';
import { ImageError } from './errors.ts';
import { parseDigestAlgorithm } from './signature-algorithm.ts';

const ENVELOPED_DATA = '1.2.840.113549.1.7.3';
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';
const RSAES_OAEP = '1.2.840.113549.1.1.7';
const MGF1 = '1.2.840.113549.1.1.8';
const RECIPIENTS_MAX = 4096;

const CIPHERS: ReadonlyMap<string, readonly [name: string, keySizeBytes: number]> = new Map([
  ['2.16.840.1.101.3.4.1.2', ['aes-128-cbc', 16]],
  ['2.16.840.1.101.3.4.1.22', ['aes-192-cbc', 24]],
  ['2.16.840.1.101.3.4.1.42', ['aes-256-cbc', 32]],
]);
const IV_SIZE_BYTES = 16;

type Padding = { readonly padding: number; readonly oaepHash?: string };
type Recipient = { readonly padding: Padding; readonly encryptedKey: Uint8Array };

export type Envelope = {
  readonly recipients: readonly Recipient[];
  readonly cipher: string;
  readonly keySizeBytes: number;
  readonly iv: Uint8Array;
  readonly encrypted: Uint8Array;
};

/** RFC 3560 §2.1: absent fields stand for SHA-1, which is no weakness of OAEP; Node takes one digest for both uses. */
function parseOaep(algorithm: DerReader): Padding {
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const parameters = algorithm.enter(TAG.sequence, 'parameters of RSAES-OAEP');
  if (parameters.isAtEnd) return { padding, oaepHash: 'sha1' };
  const oaepHash = parseDigestAlgorithm(
    parameters.enter(TAG.context0, 'a hash').enter(TAG.sequence, 'a digest algorithm'),
  );
  const mask = parameters.enter(TAG.context1, 'a mask function').enter(TAG.sequence, 'a mask function');
  if (mask.oid('a mask function') !== MGF1) throw malformedDer('the mask function MGF1');
  if (parseDigestAlgorithm(mask.enter(TAG.sequence, 'a digest algorithm')) !== oaepHash) {
    throw malformedDer('one digest for the label and the mask');
  }
  parameters.end('parameters of RSAES-OAEP');
  return { padding, oaepHash };
}

function parsePadding(algorithm: DerReader): Padding {
  const oid = algorithm.oid('a key transport');
  if (oid === RSAES_OAEP) return parseOaep(algorithm);
  if (oid !== RSA_ENCRYPTION) throw malformedDer('key transport with RSA');
  return { padding: constants.RSA_PKCS1_PADDING };
}

/** RFC 5652 §6.2.1, KeyTransRecipientInfo. Other kinds have tags of their own and are passed over. */
function parseRecipients(set: DerReader): Recipient[] {
  const recipients: Recipient[] = [];
  for (let count = 0; !set.isAtEnd; count += 1) {
    if (count === RECIPIENTS_MAX) throw malformedDer(`at most ${RECIPIENTS_MAX} recipients`);
    if (!set.isNext(TAG.sequence)) {
      set.any();
      continue;
    }
    const info = set.enter(TAG.sequence, 'a recipient');
    info.smallInteger('a version');
    info.any();
    const padding = parsePadding(info.enter(TAG.sequence, 'a key transport'));
    const encryptedKey = info.next(TAG.octetString, 'an encrypted key').content;
    info.end('a recipient');
    recipients.push({ padding, encryptedKey });
  }
  return recipients;
}

/** True for a ContentInfo that holds EnvelopedData. @throws ImageError IMAGE_SIGNATURE_MALFORMED */
export function isEnveloped(bytes: Uint8Array): boolean {
  return parseDer(bytes, TAG.sequence, 'CMS in DER').oid('a content type') === ENVELOPED_DATA;
}

/** @throws ImageError IMAGE_SIGNATURE_MALFORMED */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  const contentInfo = parseDer(bytes, TAG.sequence, 'CMS in DER');
  contentInfo.oid('a content type');
  const explicit = contentInfo.enter(TAG.context0, 'EnvelopedData');
  contentInfo.end('EnvelopedData');
  const enveloped = explicit.enter(TAG.sequence, 'EnvelopedData');
  enveloped.smallInteger('a version');
  enveloped.optional(TAG.context0);
  const recipients = parseRecipients(enveloped.enter(TAG.set, 'recipients'));
  const content = enveloped.enter(TAG.sequence, 'encrypted content');
  content.oid('a content type');
  const algorithm = content.enter(TAG.sequence, 'a cipher');
  const found = CIPHERS.get(algorithm.oid('a cipher'));
  if (found === undefined) throw malformedDer('a cipher of AES-CBC');
  const iv = algorithm.next(TAG.octetString, 'an initialization vector').content;
  if (iv.length !== IV_SIZE_BYTES) throw malformedDer('an initialization vector of 16 bytes');
  const encrypted = content.next(TAG.implicit0, 'encrypted content').content;
  content.end('encrypted content');
  const [cipher, keySizeBytes] = found;
  return { recipients, cipher, keySizeBytes, iv, encrypted };
}

function parseKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // The cause is dropped on purpose: it is about secret bytes.
    throw new ImageError('IMAGE_KEY_MALFORMED');
  }
}

function tryOpen(envelope: Envelope, { padding, encryptedKey }: Recipient, key: KeyObject): Uint8Array | undefined {
  try {
    const contentKey = privateDecrypt({ key, ...padding }, encryptedKey);
    if (contentKey.length !== envelope.keySizeBytes) return undefined;
    const decipher = createDecipheriv(envelope.cipher, contentKey, envelope.iv);
    return new Uint8Array(Buffer.concat([decipher.update(envelope.encrypted), decipher.final()]));
  } catch {
    // Which step refused is told to nobody: with RSA and CBC it would be an oracle.
    return undefined;
  }
}

/**
 * The content of an envelope, opened with the first private key (PKCS #8 PEM) that fits a recipient.
 * @throws ImageError IMAGE_SIGNATURE_MALFORMED, IMAGE_KEY_MALFORMED, IMAGE_DECRYPTION_KEY_MISSING, IMAGE_DECRYPTION_FAILED
 */
export function openEnvelope(bytes: Uint8Array, keysPem: readonly string[]): Uint8Array {
  const envelope = parseEnvelope(bytes);
  const keys = keysPem.map(parseKey).filter(({ asymmetricKeyType }) => asymmetricKeyType === 'rsa');
  if (keys.length === 0) throw new ImageError('IMAGE_DECRYPTION_KEY_MISSING', { wrapping: 'rsa' });
  for (const key of keys) {
    for (const recipient of envelope.recipients) {
      const content = tryOpen(envelope, recipient, key);
      // A wrong key opens to noise that may by chance end in good padding: only DER is worth a look.
      if (content?.[0] === TAG.sequence) return content;
    }
  }
  throw new ImageError('IMAGE_DECRYPTION_FAILED', { recipients: envelope.recipients.length });
}
