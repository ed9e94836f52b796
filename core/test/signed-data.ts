/** SignedData (RFC 5652 §5) put together by hand, for forms that no tool writes. */
import { createHash, createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { concat, fromHex } from '../src/bytes/index.ts';
import { parseDer, TAG } from '../src/image/der.ts';

/** DER of a value, from its tag and its parts (X.690 §8.1). */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = concat(...parts);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return concat(Uint8Array.of(tag, ...length), content);
}

export const oid = (hex: string): Uint8Array => der(0x06, fromHex(hex));

export const OID = {
  data: '2a864886f70d010701',
  signedData: '2a864886f70d010702',
  sha256: '608648016503040201',
  sha512: '608648016503040203',
  ed25519: '2b6570',
};

/**
 * A signature with Ed25519 as RFC 8419 §3 says: attributes are signed as they are, the message digest is SHA-512. The
 * parameters replace what stands in it, right or wrong.
 */
export function signEd25519(
  { pem, keyPem, message }: { readonly pem: string; readonly keyPem: string; readonly message: Uint8Array },
  {
    contentType = OID.data,
    attributeType = '',
    digestOid = OID.sha512,
    algorithm = der(0x30, oid(OID.ed25519)),
    extraCertificate = concat(),
    /** The value in [0] around the content; none for a detached signature. */
    value = concat(),
  } = {},
): Uint8Array {
  const certificate = new Uint8Array(new X509Certificate(pem).raw);
  const tbs = parseDer(certificate, TAG.sequence, '').enter(TAG.sequence, '');
  tbs.any();
  const serial = tbs.any().raw;
  tbs.any();
  const issuer = tbs.any().raw;
  const attribute = (hex: string, content: Uint8Array): Uint8Array => der(0x30, oid(hex), der(0x31, content));
  const attributes = concat(
    attribute('2a864886f70d010903', oid(attributeType || contentType)),
    attribute('2a864886f70d010904', der(0x04, createHash('sha512').update(message).digest())),
  );
  const signerInfo = der(
    0x30,
    Uint8Array.of(2, 1, 1),
    der(0x30, issuer, serial),
    der(0x30, oid(digestOid)),
    der(0xa0, attributes),
    algorithm,
    der(0x04, sign(null, der(0x31, attributes), createPrivateKey(keyPem))),
  );
  const signedData = der(
    0x30,
    Uint8Array.of(2, 1, 1),
    der(0x31, der(0x30, oid(digestOid))),
    der(0x30, oid(contentType), value.length === 0 ? value : der(0xa0, value)),
    der(0xa0, certificate, extraCertificate),
    der(0x31, signerInfo),
  );
  return der(0x30, oid(OID.signedData), der(0xa0, signedData));
}
