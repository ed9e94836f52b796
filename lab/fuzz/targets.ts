/** Every parser that reads bytes of others, with inputs to begin with. A property stands beside the parser where one holds. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { signEvidence, verifyEvidence } from '@pawl/core/attest';
import { concat, isEqualBytes, utf8 } from '@pawl/core/bytes';
import { decodeCbor, encodeCbor, walkCbor } from '@pawl/core/cbor';
import {
  createMac,
  createMac0,
  decodeCoseKey,
  decryptEncrypt0,
  decryptMessage,
  encodeCoseKey,
  encryptEncrypt0,
  openEncryptInfo,
  openUnauthenticatedEncryptInfo,
  parseSign1,
  signSign,
  signSign1,
  verifyMac,
  verifyMac0,
  verifySign,
  verifySign1,
} from '@pawl/core/cose';
import { AgreementKey, AgreementPublicKey, PrivateKey, PublicKey } from '@pawl/core/crypto';
import {
  encodeAddCheckpoint,
  encodeEnvelope as encodeDsse,
  encodeVkey,
  judgeCheckpoint,
  newStatement,
  parseAddCheckpoint,
  parseEnvelope as parseDsse,
  parseTilePath,
  parseTlogProof,
  signCheckpoint,
  signStatement,
  tilePath,
  unseenLedger,
  verifyBundle,
  verifyCheckpoint,
  verifyStatement,
} from '@pawl/core/evidence';
import { describeImage, verifyImage } from '@pawl/core/image';
import { createFileKey, encodeKeyFile, parseKeyFile, parseKeyReference } from '@pawl/core/keys';
import {
  describeManifest,
  encodeReport,
  explainEnvelope,
  parseEnvelope,
  parseReport,
  type SuitReport,
  signEnvelope,
  verifyEnvelope,
  verifyIntegratedPayloads,
} from '@pawl/core/suit';
import {
  encodeLineKeys,
  parseLineKeys,
  parseRoot,
  parseSnapshot,
  parseTargets,
  parseTimestamp,
} from '@pawl/core/trust';
import type { Target } from './fuzzer.ts';

const SEED_SIZE_BYTES_MAX = 64 * 1024;
const MAC_KEY = new Uint8Array(32).fill(7);
const KEY = PrivateKey.fromRaw('Ed25519', new Uint8Array(32).fill(9));
const SHARED = {
  agreementKeys: [AgreementKey.fromRaw(new Uint8Array(32).fill(3))],
  keks: [new Uint8Array(16).fill(5)],
};
const MAC_POLICY = {
  keys: [],
  requiredAlgorithms: ['HMAC'],
  macKeys: [MAC_KEY],
  integratedSizeBytesMax: 4096,
} as const;
const RECORD = { path: [0], section: 20, offset: 3, componentIndex: 0, properties: { imageSizeBytes: 5 } };
const REPORT: SuitReport = {
  manifestUri: 'https://example.com',
  manifestDigest: { algorithm: -16, bytes: new Uint8Array(32) },
  records: [RECORD, { componentId: [utf8('a')], properties: { uri: 'b' } }],
  result: { code: 0, record: RECORD, reason: 'condition-failed' },
};
const VKEY_NAME = 'fuzz';
const VKEY = encodeVkey(VKEY_NAME, KEY.publicKey);

function isHex(text: string): boolean {
  return /^[0-9a-fA-F\s]+$/.test(text) && text.replace(/\s/g, '').length % 2 === 0;
}

/** The files of a folder of vectors, hexadecimal ones as bytes; nothing when the vectors are not there. */
export function vectorsIn(folder: string, pattern: RegExp): Uint8Array[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && statSync(path).size <= SEED_SIZE_BYTES_MAX)
    .map((path) => {
      const bytes = readFileSync(path);
      const text = bytes.toString('latin1');
      return new Uint8Array(isHex(text) ? Buffer.from(text.replace(/\s/g, ''), 'hex') : bytes);
    });
}

const ignoreCoded = async (run: () => unknown): Promise<void> => {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'advice' in error)) throw error;
  }
};

/** Every envelope of the drafts and of other implementations. */
function suitEnvelopes(vectors: string): Uint8Array[] {
  return ['manifest-37', 'trust-domains-11', 'libcsuit', 'firmware-encryption-24'].flatMap((name) =>
    vectorsIn(join(vectors, 'suit', name), /\.(hex|suit|signed)$/),
  );
}

function suitManifests(vectors: string): Uint8Array[] {
  return suitEnvelopes(vectors).flatMap((bytes) => {
    try {
      return [parseEnvelope(bytes, { integratedSizeBytesMax: 4096, isUntagged: true }).manifest];
    } catch {
      return [];
    }
  });
}

const none = async (): Promise<Uint8Array[]> => [new Uint8Array(1)];

function cborTargets(vectors: string): Target[] {
  return [
    {
      name: 'cbor',
      seeds: async () => suitEnvelopes(vectors),
      run: (bytes) => {
        walkCbor(bytes, { order: 'any' });
        // What the strict profile reads has one spelling.
        const again = encodeCbor(decodeCbor(bytes));
        if (!isEqualBytes(again, bytes)) throw new Error('decoded bytes encode to others');
      },
    },
  ];
}

function coseTargets(vectors: string): Target[] {
  return [
    {
      name: 'cose-signed',
      seeds: async () => [
        await signSign1({ payload: utf8('payload'), contentType: 'text/plain' }, KEY),
        await signSign({ payload: utf8('payload') }, [KEY]),
      ],
      run: async (bytes) => {
        await ignoreCoded(() => verifySign1(bytes, { keys: [KEY.publicKey], isUntagged: true }));
        verifySign(bytes, { keys: [KEY.publicKey], isUntagged: true });
      },
    },
    {
      name: 'cose-encrypted',
      seeds: async () => [
        encryptEncrypt0({ algorithm: 1, plaintext: utf8('text'), key: new Uint8Array(16) }),
        ...vectorsIn(join(vectors, 'suit/firmware-encryption-24'), /^suit-encryption-info.*hex$/),
      ],
      run: async (bytes) => {
        await ignoreCoded(() => decryptEncrypt0(bytes, { key: new Uint8Array(16) }));
        await ignoreCoded(() => decryptMessage(bytes, SHARED));
        await ignoreCoded(() => openUnauthenticatedEncryptInfo(bytes, SHARED));
        openEncryptInfo(bytes, SHARED);
      },
    },
    {
      name: 'cose-mac',
      seeds: async () => [
        createMac0({ algorithm: 5, payload: utf8('payload'), key: MAC_KEY }),
        createMac({
          algorithm: 5,
          payload: utf8('p'),
          recipients: [{ kind: 'aes-kw', alg: -3, kek: new Uint8Array(16) }],
        }),
      ],
      run: async (bytes) => {
        await ignoreCoded(() => verifyMac0(bytes, { key: MAC_KEY, isUntagged: true }));
        verifyMac(bytes, { ...SHARED, isUntagged: true });
      },
    },
    {
      name: 'cose-key',
      seeds: async () => [
        encodeCoseKey(KEY.publicKey),
        encodeCoseKey(PrivateKey.generate('ESP256').publicKey),
        encodeCoseKey(AgreementKey.generate('X25519').publicKey),
      ],
      run: (bytes) => {
        const key = decodeCoseKey(bytes);
        const again = decodeCoseKey(encodeCoseKey(key));
        if (!isEqualBytes(again.toRaw(), key.toRaw())) throw new Error('a key changes when it is written');
      },
    },
    {
      name: 'spki',
      seeds: async () => [KEY.publicKey.toSpkiDer(), PrivateKey.generate('ESP384').publicKey.toSpkiDer()],
      run: async (bytes) => {
        await ignoreCoded(() => AgreementPublicKey.fromSpki(bytes));
        await ignoreCoded(() => PublicKey.fromRaw('HSS-LMS', bytes));
        await ignoreCoded(() => PrivateKey.fromPkcs8(bytes));
        PublicKey.fromSpki(bytes);
      },
    },
  ];
}

function suitTargets(vectors: string): Target[] {
  return [
    {
      name: 'suit-envelope',
      seeds: async () => suitEnvelopes(vectors),
      run: async (bytes) => {
        await ignoreCoded(() => explainEnvelope(bytes));
        const policy = { keys: [KEY.publicKey], requiredAlgorithms: ['Ed25519'], isUntagged: true } as const;
        verifyEnvelope(bytes, { ...policy, integratedSizeBytesMax: 4096 });
      },
    },
    {
      name: 'suit-manifest',
      seeds: async () => suitManifests(vectors),
      run: async (bytes) => {
        const verified = verifyEnvelope(await signEnvelope(bytes, [{ macKey: MAC_KEY, algorithm: 5 }]), MAC_POLICY);
        verifyIntegratedPayloads(verified);
        explainEnvelope(await signEnvelope(bytes, [{ macKey: MAC_KEY, algorithm: 5 }]));
        describeManifest(verified);
      },
    },
    {
      name: 'suit-report',
      seeds: async () => [encodeReport(REPORT), encodeReport({ ...REPORT, result: true })],
      run: (bytes) => {
        const report = parseReport(bytes);
        if (!isEqualBytes(encodeReport(report), bytes)) throw new Error('a report changes when it is written');
      },
    },
  ];
}

function trustTargets(vectors: string): Target[] {
  const tuf = (role: RegExp): Uint8Array[] =>
    vectorsIn(join(vectors, 'tuf/tuf-conformance-static/tuf-on-ci-0.11/metadata'), role);
  return [
    {
      name: 'attestation',
      seeds: async () => {
        const claims = { nonce: new Uint8Array(56), version: '1.2.0', imageDigest: new Uint8Array(32) };
        const evidence = await signEvidence({ ...claims, sequenceNumber: 7n, securityFloor: 3n }, KEY);
        // The claims alone too: signed below, so that what is behind the signature is reached.
        return [evidence, parseSign1(evidence.subarray(2)).payload ?? evidence];
      },
      run: async (bytes) => {
        await ignoreCoded(() => verifyEvidence(bytes, KEY.publicKey));
        const signed = concat(Uint8Array.of(0xd8, 0x3d), await signSign1({ payload: bytes }, KEY));
        const { claims } = verifyEvidence(signed, KEY.publicKey);
        const again = verifyEvidence(await signEvidence(claims, KEY), KEY.publicKey);
        if (!isDeepStrictEqual(again.claims, claims)) throw new Error('claims change when they are written');
      },
    },
    { name: 'tuf-root', seeds: async () => tuf(/root\.json$/), run: (bytes) => parseRoot(bytes) },
    { name: 'tuf-targets', seeds: async () => tuf(/(targets|role)\.json$/), run: (bytes) => parseTargets(bytes) },
    {
      name: 'tuf-freshness',
      seeds: async () => tuf(/(timestamp|snapshot)\.json$/),
      run: async (bytes) => {
        await ignoreCoded(() => parseTimestamp(bytes));
        parseSnapshot(bytes);
      },
    },
    {
      name: 'line-keys',
      seeds: async () => [encodeLineKeys({ line: 'fuzz', keys: [KEY.publicKey], requiredAlgorithms: ['Ed25519'] })],
      run: (bytes) => parseLineKeys(bytes, 'fuzz'),
    },
    {
      name: 'key-file',
      seeds: async () => {
        const made = { purpose: 'fuzz', createdAt: new Date(0), passphrase: 'twelve characters' };
        const { file } = await createFileKey({ ...made, role: 'image', algorithm: 'Ed25519' });
        return [encodeKeyFile(file)];
      },
      run: async (bytes) => {
        await ignoreCoded(() => parseKeyFile(bytes));
        parseKeyReference(bytes);
      },
    },
  ];
}

function evidenceTargets(vectors: string): Target[] {
  return [
    {
      name: 'statement',
      seeds: async () => {
        const subject = [{ name: 'image', digest: { sha256: '0'.repeat(64) } }];
        const statement = newStatement({ predicateType: 'urn:pawl:release:1', subject, predicate: { a: 1 } });
        return [encodeDsse(await signStatement(statement, KEY))];
      },
      run: async (bytes) => {
        const envelope = parseDsse(bytes);
        if (!isEqualBytes(encodeDsse(envelope), bytes)) throw new Error('an envelope changes when it is written');
        verifyStatement(bytes, [KEY.publicKey]);
      },
    },
    {
      name: 'checkpoint',
      seeds: async () => [
        utf8(await signCheckpoint({ origin: VKEY_NAME, size: 1, root: new Uint8Array(32) }, VKEY_NAME, KEY)),
        ...vectorsIn(join(vectors, 'tlog/tessera-testdata-log'), /^checkpoint/),
      ],
      run: async (bytes) => {
        await ignoreCoded(() => parseTlogProof(bytes));
        verifyCheckpoint(new TextDecoder().decode(bytes), VKEY);
      },
    },
    {
      name: 'add-checkpoint',
      seeds: async () => {
        const note = await signCheckpoint({ origin: VKEY_NAME, size: 1, root: new Uint8Array(32) }, VKEY_NAME, KEY);
        return [1, 3].map((hashes) =>
          utf8(
            encodeAddCheckpoint({ oldSize: 7, proof: Array.from({ length: hashes }, () => new Uint8Array(32)), note }),
          ),
        );
      },
      run: (bytes) => {
        const request = parseAddCheckpoint(bytes);
        if (!isDeepStrictEqual(parseAddCheckpoint(utf8(encodeAddCheckpoint(request))), request))
          throw new Error('a request changes when it is written');
        judgeCheckpoint(request, (origin) => unseenLedger(VKEY, origin));
      },
    },
    {
      name: 'tile-path',
      seeds: async () => ['tile/0/x001/x234/067', 'tile/entries/000.p/17'].map((path) => utf8(path)),
      run: (bytes) => {
        const path = new TextDecoder().decode(bytes);
        const tile = parseTilePath(path);
        if (tile !== undefined && tilePath(tile) !== path) throw new Error('a tile has two addresses');
      },
    },
    { name: 'bundle', seeds: none, run: (bytes) => verifyBundle(bytes, { vkey: VKEY }) },
  ];
}

function imageTargets(vectors: string): Target[] {
  return [
    {
      name: 'image',
      seeds: async () => [
        ...vectorsIn(join(vectors, 'mcuboot/images'), /\.bin$/).map((bytes) => bytes.subarray(0, 4096)),
        ...vectorsIn(resolve(import.meta.dirname, '../../core/src/image/fixtures'), /\.(bin|uf2)$/),
        // Made by cpio, mender-artifact, mkimage, rauc, sbsign and dfu-suffix of Debian 12 over a file that says hello.
        ...vectorsIn(join(import.meta.dirname, 'seeds/image'), /^[a-z]+\.[a-z]+$/),
        utf8(':020000040800F2\n:0400000001020304F2\n:00000001FF\n'),
        utf8('S00600004844521B\nS1070000010203E2\nS9030000FC\n'),
      ],
      run: async (bytes) => {
        await ignoreCoded(() => verifyImage(bytes, { keysPem: [KEY.publicKey.toSpkiPem()] }));
        describeImage(bytes);
      },
    },
  ];
}

/** The targets; `vectors` is the folder of foreign vectors. */
export function targetsWith(vectors: string): Target[] {
  return [
    ...cborTargets(vectors),
    ...coseTargets(vectors),
    ...suitTargets(vectors),
    ...trustTargets(vectors),
    ...evidenceTargets(vectors),
    ...imageTargets(vectors),
  ];
}
