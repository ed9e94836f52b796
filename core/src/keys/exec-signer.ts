/**
 * Keys behind a command line: whatever tool a KMS or a signing service has. The command gets the message or its digest on
 * standard input and answers with the signature on standard output.
 */
import { hash as nodeHash } from 'node:crypto';
import { fromBase64, isCodedError } from '../bytes/index.ts';
import { ecdsaDerToRaw, type PublicKey, SIGNATURE_ALGORITHMS } from '../crypto/index.ts';
import { KeysError } from './errors.ts';
import type { ExecAddress } from './key-reference.ts';
import { reasonOf, runTool, type SigningRequest } from './run-tool.ts';

function inputOf({ input }: ExecAddress, publicKey: PublicKey, message: Uint8Array): Uint8Array {
  if (input === 'message') return message;
  const { hash } = SIGNATURE_ALGORITHMS[publicKey.algorithm];
  if (hash === null) {
    throw new KeysError('KEYS_MECHANISM_UNSUPPORTED', { algorithm: publicKey.algorithm, input });
  }
  return new Uint8Array(nodeHash(hash, message, 'buffer'));
}

/** Base64 as tools print it: in lines, with a line end. */
function fromPrinted(bytes: Uint8Array): Uint8Array {
  return fromBase64(new TextDecoder().decode(bytes).replace(/[\r\n \t]/g, ''));
}

function decodeAnswer({ encoding, format }: ExecAddress, publicKey: PublicKey, stdout: Uint8Array): Uint8Array {
  const { keyType, publicKeySizeBytes } = SIGNATURE_ALGORITHMS[publicKey.algorithm];
  try {
    const bytes = encoding === 'base64' ? fromPrinted(stdout) : stdout;
    // Only ECDSA has two spellings; the public key is 04 || x || y, so one number has half of the rest.
    if (format === 'raw' || keyType !== 'ec' || publicKeySizeBytes === null) return bytes;
    return ecdsaDerToRaw(bytes, (publicKeySizeBytes - 1) / 2);
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw new KeysError(
      'KEYS_SIGNATURE_MALFORMED',
      { expected: `${encoding} ${format}`, sizeBytes: stdout.length },
      cause,
    );
  }
}

/** Has the command sign; the caller verifies what comes back. */
export async function askExec(address: ExecAddress, { publicKey, message, env }: SigningRequest): Promise<Uint8Array> {
  const { command, timeoutMs } = address;
  const { status, stdout, stderr } = await runTool({
    command,
    env,
    input: inputOf(address, publicKey, message),
    timeoutMs,
  });
  if (status !== 0) {
    throw new KeysError('KEYS_TOOL_FAILED', { tool: command[0] ?? '', status, said: reasonOf(stderr) });
  }
  return decodeAnswer(address, publicKey, stdout);
}
