import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '../bytes/index.ts';

export const IMAGE_ERRORS = {
  IMAGE_TRUNCATED: {
    message: 'the image ends before a structure that it declares',
    advice: 'Check that the file is whole; compare its length with the original.',
    status: 422,
  },
  IMAGE_MALFORMED: {
    message: 'the image does not have the form of its format',
    advice: 'Build the image again with the tool of its format; see `expected` and `offset` for the place.',
    status: 422,
  },
  IMAGE_CHECKSUM_MISMATCH: {
    message: 'a checksum in the image is wrong',
    advice: 'The file was damaged on its way; get it again from where it was built.',
    status: 422,
  },
  IMAGE_DIGEST_MISMATCH: {
    message: 'a digest in the image is not that of the bytes it stands for',
    advice: 'The image was changed after it was built; build and sign it again.',
    status: 422,
  },
  IMAGE_DIGEST_MISSING: {
    message: 'a part of the image is not covered by a SHA-256 digest',
    advice: 'Give every file in sw-description its sha256.',
    status: 422,
  },
  IMAGE_FILE_MISSING: {
    message: 'the image lists a file that it does not hold',
    advice: 'Pack the update again with every file that sw-description names.',
    status: 422,
  },
  IMAGE_FILE_UNLISTED: {
    message: 'the image holds a file that it does not list, or one twice',
    advice: 'Remove the file or list it in sw-description with its sha256.',
    status: 422,
  },
  IMAGE_COMPRESSION_UNSUPPORTED: {
    message: 'a part of the image is compressed in a way that is not supported',
    advice: 'Build it with gzip or zstd, or without compression.',
    status: 422,
  },
  IMAGE_UNSIGNED: {
    message: 'the image is not signed',
    advice:
      'Sign it with the tool of its format; a format that has no signatures is protected by the envelope around it.',
    status: 422,
  },
  IMAGE_SIGNATURE_MALFORMED: {
    message: 'the signature of the image does not have the form of its format',
    advice:
      'Sign with the tool of the format; for SWUpdate: `openssl cms -sign -outform DER -binary`, detached, one signer.',
    status: 422,
  },
  IMAGE_SIGNATURE_INVALID: {
    message: 'the signature of the image is wrong',
    advice: 'The description was changed after it was signed; sign it again.',
    status: 422,
  },
  IMAGE_SIGNER_UNKNOWN: {
    message: 'the signer is neither a registered key or certificate nor issued under a registered one',
    advice: 'Register the key or certificate for this product line, or sign with the one that is registered.',
    status: 422,
  },
  IMAGE_ALGORITHM_WEAK: {
    message: 'the image is signed with an algorithm or key that is too weak or not supported',
    advice: 'Use SHA-256 or stronger, and RSA keys of at least 2048 bits.',
    status: 422,
  },
  IMAGE_KEY_MALFORMED: {
    message: 'a key for images cannot be read',
    advice: 'Give a private key as PEM without a passphrase, a symmetric key as base64 of 16 or 32 bytes.',
    status: 400,
  },
  IMAGE_DECRYPTION_KEY_MISSING: {
    message: 'the image is encrypted and no key that could open it was given',
    advice: 'Give the key of the device: nobody can say that an encrypted image is authentic without opening it.',
    status: 422,
  },
  IMAGE_DECRYPTION_FAILED: {
    message: 'the key of the encrypted image does not open with the keys that were given',
    advice: 'The image was encrypted for another device key, or was changed.',
    status: 422,
  },
  IMAGE_OPTION_INVALID: {
    message: 'the image cannot be built as asked',
    advice: 'Change the option that is named.',
    status: 400,
  },
  IMAGE_CERTIFICATE_MALFORMED: {
    message: 'a registered certificate is not an X.509 certificate in PEM',
    advice: 'Register the certificate as PEM text.',
    status: 400,
  },
} as const satisfies ErrorTable;

export type ImageErrorCode = keyof typeof IMAGE_ERRORS;

/** An image that is damaged, not of its format, or not to be trusted. */
export class ImageError extends CodedError<ImageErrorCode> {
  constructor(code: ImageErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(IMAGE_ERRORS, code), details, cause);
    this.name = 'ImageError';
  }
}
