import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Bench, skipWithout } from '../../test/bench.ts';
import { FLIP_STEP } from '../../test/flips.ts';
import { der, OID, oid, signEd25519 } from '../../test/signed-data.ts';
import { concat, fromHex, toHex, utf8 } from '../bytes/index.ts';
import { verifyDetachedCms, verifyEmbeddedCms } from './cms.ts';
import { DerReader, TAG } from './der.ts';

const skip = skipWithout('openssl');

const CONTENT = utf8('what was signed');
const DATA = '1.2.840.113549.1.7.1';

describe('CMS signatures made by openssl', { skip }, () => {
  let bench: Bench;
  const pem = (name: string): string => bench.pem(name);
  const sign = (signer: string, ...args: string[]): Uint8Array => {
    bench.run(
      `openssl cms -sign -in content -out sig -signer ${signer}.pem -inkey ${signer}.key -outform DER -nosmimecap -binary`,
      ...args,
    );
    return bench.read('sig');
  };

  before(() => {
    bench = new Bench();
    bench.write('content', CONTENT);
    bench.selfSigned('maker');
    bench.selfSigned('edward', 'ed25519');
  });
  after(() => bench.close());

  test('RSASSA-PSS verifies with each digest and salt length', () => {
    const pss = ['-keyopt', 'rsa_padding_mode:pss'];
    for (const args of [
      [],
      ['-md', 'sha384'],
      ['-md', 'sha512', '-keyopt', 'rsa_pss_saltlen:digest'],
      ['-keyopt', 'rsa_pss_saltlen:20'],
      ['-noattr'],
    ]) {
      const signature = sign('maker', ...pss, ...args);
      assert.equal(verifyDetachedCms(CONTENT, signature, [pem('maker')]).subject, 'CN=maker', args.join(' '));
      assert.throws(() => verifyDetachedCms(utf8('other'), signature, [pem('maker')]), {
        code: 'IMAGE_SIGNATURE_INVALID',
      });
    }
    // Without parameters the mask and the message are of SHA-1 (RFC 4055 §3.1).
    assert.throws(() => verifyDetachedCms(CONTENT, sign('maker', ...pss, '-md', 'sha1'), [pem('maker')]), {
      code: 'IMAGE_ALGORITHM_WEAK',
    });
    assert.throws(
      () => verifyDetachedCms(CONTENT, sign('maker', ...pss, '-keyopt', 'rsa_mgf1_md:sha1'), [pem('maker')]),
      { code: 'IMAGE_ALGORITHM_WEAK' },
    );
    assert.throws(
      () => verifyDetachedCms(CONTENT, sign('maker', ...pss, '-keyopt', 'rsa_mgf1_md:sha512'), [pem('maker')]),
      { code: 'IMAGE_SIGNATURE_MALFORMED' },
    );
  });

  test('a key that is bound to RSASSA-PSS signs in no other way', () => {
    bench.run(
      'openssl genpkey -algorithm rsa-pss -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha256 -out bound.key',
      '-pkeyopt',
      'rsa_pss_keygen_mgf1_md:sha256',
    );
    bench.run('openssl req -x509 -key bound.key -out bound.pem -subj /CN=bound -days 1 -sha256');
    const signature = sign('bound', '-keyopt', 'rsa_padding_mode:pss');
    assert.equal(verifyDetachedCms(CONTENT, signature, [pem('bound')]).subject, 'CN=bound');
    // RFC 4055 §1.2: the key itself forbids another digest.
    const other = sign('bound', '-keyopt', 'rsa_padding_mode:pss', '-noattr');
    const sha256 = fromHex(OID.sha256);
    for (let at = Buffer.from(other).indexOf(sha256); at >= 0; at = Buffer.from(other).indexOf(sha256, at)) {
      other[at + sha256.length - 1] = 3;
    }
    assert.throws(() => verifyDetachedCms(CONTENT, other, [pem('bound')]), { code: 'IMAGE_SIGNATURE_INVALID' });
    // A certificate that is itself signed with RSASSA-PSS can stand in a chain.
    bench.issued('leaf', 'bound', '-sha256', '-sigopt', 'rsa_padding_mode:pss');
    assert.equal(verifyDetachedCms(CONTENT, sign('leaf'), [pem('bound')]).subject, 'CN=leaf');
  });

  const signedByEdward = (options: Parameters<typeof signEd25519>[1] = {}): Uint8Array =>
    signEd25519(
      { pem: pem('edward'), keyPem: Buffer.from(bench.read('edward.key')).toString(), message: CONTENT },
      options,
    );

  test('Ed25519 verifies as RFC 8419 writes it', () => {
    assert.equal(verifyDetachedCms(CONTENT, signedByEdward(), [pem('edward')]).subject, 'CN=edward');
    assert.throws(() => verifyDetachedCms(CONTENT, signedByEdward(), [pem('maker')]), { code: 'IMAGE_SIGNER_UNKNOWN' });
    assert.throws(
      () => verifyDetachedCms(CONTENT, signedByEdward({ attributeType: OID.signedData }), [pem('edward')]),
      {
        code: 'IMAGE_SIGNATURE_INVALID',
      },
    );
  });

  test('refuses parameters and certificates that are not as their standards say', () => {
    const SHA256 = der(0x30, oid(OID.sha256));
    const mgf1 = (name = '2a864886f70d010108'): Uint8Array => der(0x30, oid(name), SHA256);
    const pss = (...parts: Uint8Array[]): Uint8Array => der(0x30, oid('2a864886f70d01010a'), der(0x30, ...parts));
    const [hash, mask] = [der(0xa0, SHA256), der(0xa1, mgf1())];
    const { sha256 } = OID;
    for (const [code, options] of [
      ['IMAGE_SIGNATURE_MALFORMED', { digestOid: sha256 }],
      ['IMAGE_ALGORITHM_WEAK', { digestOid: '2b0e03021a' }],
      ['IMAGE_ALGORITHM_WEAK', { algorithm: der(0x30, oid('2a864886f70d010105')) }],
      // A signature of another kind than the key of the signer.
      ['IMAGE_SIGNATURE_INVALID', { algorithm: der(0x30, oid('2a864886f70d010101')) }],
      ['IMAGE_SIGNATURE_INVALID', { digestOid: sha256, algorithm: pss(hash, mask) }],
      ['IMAGE_SIGNATURE_INVALID', { digestOid: sha256, algorithm: pss(hash, mask, der(0xa3, fromHex('020101'))) }],
      ['IMAGE_ALGORITHM_WEAK', { digestOid: sha256, algorithm: pss(hash) }],
      ['IMAGE_SIGNATURE_MALFORMED', { digestOid: sha256, algorithm: pss(hash, der(0xa1, mgf1('2b01'))) }],
      ['IMAGE_SIGNATURE_MALFORMED', { digestOid: sha256, algorithm: pss(hash, mask, der(0xa2, fromHex('02020201'))) }],
      ['IMAGE_SIGNATURE_MALFORMED', { digestOid: sha256, algorithm: pss(hash, mask, der(0xa3, fromHex('020102'))) }],
      // The fields stand where they should, and are empty.
      [
        'IMAGE_SIGNATURE_MALFORMED',
        { extraCertificate: der(0x30, der(0x30, fromHex('020101'), ...Array<Uint8Array>(5).fill(fromHex('3000')))) },
      ],
      ['IMAGE_SIGNATURE_MALFORMED', { extraCertificate: concat(...Array<Uint8Array>(9000).fill(fromHex('3000'))) }],
    ] as const) {
      assert.throws(() => verifyDetachedCms(CONTENT, signedByEdward(options), [pem('edward')]), { code });
    }
    // RFC 5652 §10.2.2: a certificate of another kind has a tag of its own and is passed over.
    const signature = signedByEdward({ extraCertificate: fromHex('a300') });
    assert.equal(verifyDetachedCms(CONTENT, signature, [pem('edward')]).subject, 'CN=edward');
  });

  test('content inside the signature is what was signed', () => {
    const signature = sign('maker', '-nodetach');
    const expected = { contentType: DATA, tag: TAG.octetString };
    const verified = verifyEmbeddedCms(signature, expected, [pem('maker')]);
    assert.deepEqual(verified.content, CONTENT);
    assert.equal(verified.digest, 'sha256');
    for (const [bytes, wanted] of [
      [sign('maker'), expected],
      [signature, { contentType: '1.2.3', tag: TAG.octetString }],
      [signature, { contentType: DATA, tag: TAG.sequence }],
    ] as const) {
      assert.throws(() => verifyEmbeddedCms(bytes, wanted, [pem('maker')]), { code: 'IMAGE_SIGNATURE_MALFORMED' });
    }
  });

  test('signed attributes do not pass for content that was signed without attributes', () => {
    const signature = sign('maker', '-noattr');
    assert.equal(verifyDetachedCms(CONTENT, signature, [pem('maker')]).subject, 'CN=maker');
    bench.write('content', Uint8Array.of(0x31, 0));
    const overAttributes = sign('maker', '-noattr');
    bench.write('content', CONTENT);
    assert.throws(() => verifyDetachedCms(Uint8Array.of(0x31, 0), overAttributes, [pem('maker')]), {
      code: 'IMAGE_SIGNATURE_INVALID',
    });
  });

  test('tells validity, key usage and purposes of the signer and decides on none of them', () => {
    bench.selfSigned(
      'told',
      'ec -pkeyopt ec_paramgen_curve:secp384r1',
      '-addext',
      'keyUsage=critical,digitalSignature,cRLSign,decipherOnly',
      '-addext',
      'extendedKeyUsage=codeSigning,emailProtection,1.2.3.4',
    );
    const signer = verifyDetachedCms(CONTENT, sign('told', '-keyid'), [pem('told')]);
    assert.deepEqual(signer.keyUsages, ['digitalSignature', 'cRLSign', 'decipherOnly']);
    assert.deepEqual(signer.purposes, ['codeSigning', 'emailProtection', '1.2.3.4']);
    assert.equal(Date.parse(signer.validUntil) - Date.parse(signer.validFrom), 86_400_000);
    const plain = verifyDetachedCms(CONTENT, sign('maker'), [pem('maker')]);
    assert.ok(!('keyUsages' in plain) && !('purposes' in plain));
  });

  test('a certificate that was issued with SHA-1, or on a small curve, does not carry trust', () => {
    bench.issued('old', 'maker', '-sha1');
    assert.throws(() => verifyDetachedCms(CONTENT, sign('old'), [pem('maker')]), { code: 'IMAGE_SIGNER_UNKNOWN' });
    assert.equal(verifyDetachedCms(CONTENT, sign('old'), [pem('old')]).subject, 'CN=old');
    bench.selfSigned('small', 'ec -pkeyopt ec_paramgen_curve:secp224r1');
    assert.throws(() => verifyDetachedCms(CONTENT, sign('small'), [pem('small')]), { code: 'IMAGE_ALGORITHM_WEAK' });
  });

  test('refuses a carried certificate whose key cannot be read', () => {
    const broken = new Uint8Array(new X509Certificate(pem('maker')).raw);
    const modulus = Buffer.from(broken).indexOf(fromHex('0282010100'));
    assert.ok(modulus > 0);
    // The modulus is no INTEGER any more.
    broken[modulus] = 0x04;
    const signature = signedByEdward({ extraCertificate: broken });
    assert.throws(() => verifyDetachedCms(CONTENT, signature, [pem('edward')]), { code: 'IMAGE_SIGNATURE_MALFORMED' });
  });

  test('an issuer is followed only as far as it may issue', () => {
    const issue = (name: string, issuer: string, constraints: string): void => {
      bench.write('extensions', `basicConstraints=critical,${constraints}\n`);
      bench.issued(name, issuer, '-extfile', 'extensions');
    };
    bench.selfSigned('root', 'rsa:2048', '-addext', 'keyUsage=keyCertSign');
    issue('middle', 'root', 'CA:TRUE,pathlen:0');
    issue('lower', 'middle', 'CA:TRUE');
    issue('allowed', 'middle', 'CA:FALSE');
    issue('too-deep', 'lower', 'CA:FALSE');
    bench.write('carried', bench.pem('middle') + bench.pem('lower'));
    const isGoodForOpenssl = (): boolean =>
      bench.succeeds('openssl cms -verify -inform DER -in sig -content content -binary -CAfile root.pem -purpose any');
    const allowed = sign('allowed', '-certfile', 'carried');
    assert.ok(isGoodForOpenssl());
    assert.equal(verifyDetachedCms(CONTENT, allowed, [bench.pem('root')]).subject, 'CN=allowed');
    const tooDeep = sign('too-deep', '-certfile', 'carried');
    assert.ok(!isGoodForOpenssl());
    assert.throws(() => verifyDetachedCms(CONTENT, tooDeep, [bench.pem('root')]), { code: 'IMAGE_SIGNER_UNKNOWN' });
    // Registered itself, it is trusted for what it is.
    assert.equal(verifyDetachedCms(CONTENT, tooDeep, [bench.pem('lower')]).subject, 'CN=too-deep');
    bench.selfSigned('constrained', 'rsa:2048', '-addext', 'nameConstraints=permitted;DNS:example.com');
    bench.issued('named', 'constrained');
    assert.throws(() => verifyDetachedCms(CONTENT, sign('named'), [bench.pem('constrained')]), {
      code: 'IMAGE_SIGNER_UNKNOWN',
    });
  });

  test('refuses every truncation and every flipped bit of a signature without certificates', () => {
    const signature = sign('maker', '-nocerts');
    const trusted = [pem('maker')];
    for (let length = 0; length < signature.length; length += 1) {
      assert.throws(() => verifyDetachedCms(CONTENT, signature.subarray(0, length), trusted), {
        code: 'IMAGE_SIGNATURE_MALFORMED',
      });
    }
    // The version of SignedData: ContentInfo and its type, [0], SEQUENCE, INTEGER. No signature covers it.
    const versionAt = 4 + 11 + 4 + 4 + 2;
    assert.equal(toHex(signature.subarray(versionAt - 2, versionAt + 1)), '020101');
    for (let bit = 0; bit < signature.length * 8; bit += FLIP_STEP) {
      if (bit >> 3 === versionAt) continue;
      const flipped = signature.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.throws(() => verifyDetachedCms(CONTENT, flipped, trusted), { name: 'ImageError' }, `bit ${bit}`);
    }
  });

  test('refuses every flipped bit of an Ed25519 signature outside of its certificate', () => {
    const signature = signedByEdward();
    const trusted = [pem('edward')];
    const certificate = toHex(new Uint8Array(new X509Certificate(pem('edward')).raw));
    const start = toHex(signature).indexOf(certificate) / 2;
    const versionAt = 4 + 11 + 4 + 4 + 2;
    // With another tag the certificates are a list of revocations, which is not looked at.
    const tagAt = start - 4;
    for (let bit = 0; bit < signature.length * 8; bit += FLIP_STEP) {
      const at = bit >> 3;
      if (at === versionAt || at === tagAt || (at >= start && at < start + certificate.length / 2)) continue;
      const flipped = signature.slice();
      flipped[at]! ^= 1 << (bit & 7);
      assert.throws(() => verifyDetachedCms(CONTENT, flipped, trusted), { name: 'ImageError' }, `bit ${bit}`);
    }
  });
});

test('reads DER strictly', () => {
  const refuses = (hex: string, read: (reader: DerReader) => unknown): void =>
    assert.throws(() => read(new DerReader(fromHex(hex))), { code: 'IMAGE_SIGNATURE_MALFORMED' }, hex);
  for (const hex of ['', '30', '3001', '3080', '308100', '30817f', '30820010', '3085010000000000', '1f0100', '05']) {
    refuses(hex, (reader) => reader.any());
  }
  for (const hex of ['0200', '02020001', '020180', '020401000000', '0401']) {
    refuses(hex, (reader) => reader.smallInteger('a number'));
  }
  for (const hex of ['0600', '060180', '06028001', '06028180', '060790ffffffffff7f', `0621${'01'.repeat(33)}`]) {
    refuses(hex, (reader) => reader.oid('an identifier'));
  }
  refuses('05000500', (reader) => {
    reader.any();
    reader.end('a value');
  });
  assert.equal(new DerReader(fromHex('02020080')).smallInteger('a number'), 128);
  // X.690 §8.19.5: { 2 999 3 } is 06 03 88 37 03.
  assert.equal(new DerReader(fromHex('0603883703')).oid('an identifier'), '2.999.3');
  assert.equal(new DerReader(fromHex('0603550406')).oid('an identifier'), '2.5.4.6');
});
