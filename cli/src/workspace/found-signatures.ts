/**
 * The signatures that lie in a workspace by keys of its own, each with the digest of what was signed, so that an audit can
 * look for their entries in the signing log: metadata in `trust/`, envelopes and statements in `releases/`. A file that cannot
 * be read as what its name says is told, not passed over.
 */
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isCodedError, toHex } from '@pawl/core/bytes';
import { encodeCbor } from '@pawl/core/cbor';
import { parseSign1 } from '@pawl/core/cose';
import { type PublicKey, sha256 } from '@pawl/core/crypto';
import { type FoundSignature, signedPartOf } from '@pawl/core/evidence';
import { parseEnvelope } from '@pawl/core/suit';
import { encodeCanonicalJson, type JsonValue, tufKeyOf } from '@pawl/core/trust';
import { isPresent, readInput } from './files.ts';
import { ENVELOPE_FILE, STATEMENT_FILE } from './release-folder.ts';
import type { Workspace } from './workspace.ts';

const FILE_BYTES_MAX = 16 * 1024 * 1024;

/** A key of the workspace: its id, and what TUF calls it. */
export type OwnKey = { readonly id: string; readonly publicKey: PublicKey };
type Found = { readonly keyId: string; readonly sha256: string };
type ReadFile = (bytes: Uint8Array, keys: readonly OwnKey[]) => Found[];

const digestOf = (message: Uint8Array): string => toHex(sha256(message));

/** What TUF calls a key; undefined for algorithms that it does not know. */
function tufIdOf(publicKey: PublicKey): string | undefined {
  try {
    return tufKeyOf(publicKey).keyId;
  } catch (error) {
    if (isCodedError(error)) return undefined;
    throw error;
  }
}

function fromMetadata(bytes: Uint8Array, keys: readonly OwnKey[]): Found[] {
  const document = JSON.parse(new TextDecoder().decode(bytes)) as {
    readonly signed: JsonValue;
    readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
  };
  const digest = digestOf(encodeCanonicalJson(document.signed));
  const idOf = new Map(keys.map(({ id, publicKey }) => [tufIdOf(publicKey), id]));
  return document.signatures.flatMap(({ keyid, sig }) => {
    const keyId = idOf.get(keyid);
    return keyId === undefined || sig === '' ? [] : [{ keyId, sha256: digest }];
  });
}

function fromStatement(bytes: Uint8Array, keys: readonly OwnKey[]): Found[] {
  const { message, keyId } = signedPartOf(bytes);
  return keys.some(({ id }) => id === keyId) ? [{ keyId, sha256: digestOf(message) }] : [];
}

function fromEnvelope(bytes: Uint8Array, keys: readonly OwnKey[]): Found[] {
  const { digest, blocks } = parseEnvelope(bytes);
  return blocks.flatMap((block) => {
    const { headers, kid } = parseSign1(block);
    const keyId = kid === undefined ? '' : toHex(kid);
    if (!keys.some(({ id }) => id === keyId)) return [];
    // RFC 9052 §4.4: what COSE_Sign1 signs, with the digest of the manifest as its detached payload.
    const message = encodeCbor(['Signature1', headers.protectedBytes, new Uint8Array(), digest]);
    return [{ keyId, sha256: digestOf(message) }];
  });
}

function readerOf(path: string): ReadFile | undefined {
  if (/^trust\/[^/]+\.json$/.test(path)) return fromMetadata;
  if (path.endsWith(`/${STATEMENT_FILE}`)) return fromStatement;
  return path.endsWith(`/${ENVELOPE_FILE}`) ? fromEnvelope : undefined;
}

async function listFiles(dir: string): Promise<string[]> {
  if (!(await isPresent(dir))) return [];
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

export type FoundInWorkspace = { readonly found: readonly FoundSignature[]; readonly unreadable: readonly string[] };

/** Every signature by these keys in the workspace. */
export async function findSignatures({ dir }: Workspace, keys: readonly OwnKey[]): Promise<FoundInWorkspace> {
  const found: FoundSignature[] = [];
  const unreadable: string[] = [];
  const paths = [...(await listFiles(join(dir, 'trust'))), ...(await listFiles(join(dir, 'releases')))];
  for (const path of paths.toSorted()) {
    const where = relative(dir, path);
    const read = readerOf(where);
    if (read === undefined) continue;
    try {
      const bytes = await readInput(path, FILE_BYTES_MAX);
      found.push(...read(bytes, keys).map((signature) => ({ where, ...signature })));
    } catch (error) {
      if (!isCodedError(error) && !(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
      unreadable.push(where);
    }
  }
  return { found, unreadable };
}
