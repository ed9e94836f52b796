import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '../bytes/index.ts';

export const CRYPTO_ERRORS = {
  CRYPTO_SIGNATURE_INVALID: {
    message: 'the signature does not fit the message and the key',
    advice: 'The data was changed, or was signed by another key. Do not use it.',
    status: 400,
  },
  CRYPTO_AUTHENTICATION_FAILED: {
    message: 'the encrypted data is not what was sealed',
    advice: 'The ciphertext was changed or cut, or the key is another one. Do not use what was decrypted.',
    status: 400,
  },
  CRYPTO_KEY_UNWRAP_FAILED: {
    message: 'the wrapped key does not open with this key',
    advice: 'Check that the right key is used and that the wrapped key arrived whole.',
    status: 400,
  },
  CRYPTO_KEY_MALFORMED: {
    message: 'the key cannot be read',
    advice: 'Give a public key as SPKI (PEM or DER), a private key as PKCS#8 DER.',
    status: 400,
  },
  CRYPTO_KEY_UNSUPPORTED: {
    message: 'the key is of a kind that is not used here',
    advice:
      'Use ECDSA, Ed25519, RSA of 2048 bits or more, ML-DSA or HSS-LMS for signatures; see the table of algorithms.',
    status: 400,
  },
  CRYPTO_ALGORITHM_UNKNOWN: {
    message: 'the algorithm is not supported',
    advice: 'The data was made with an algorithm that this version does not know.',
    status: 400,
  },
  CRYPTO_PARAMETER_INVALID: {
    message: 'a key, nonce or data length does not suit the algorithm',
    advice: 'The data is damaged or was made for another algorithm.',
    status: 400,
  },
} as const satisfies ErrorTable;

export type CryptoErrorCode = keyof typeof CRYPTO_ERRORS;

/** A cryptographic operation that was refused. Details never hold key material. */
export class CryptoError extends CodedError<CryptoErrorCode> {
  constructor(code: CryptoErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(CRYPTO_ERRORS, code), details, cause);
    this.name = 'CryptoError';
  }
}
