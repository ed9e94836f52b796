/** What an operation of the device API answers, before it becomes HTTP. */
import type { Readable } from 'node:stream';

export type Headers = Readonly<Record<string, string>>;

export type Answer =
  /** A document, in the media type that the client accepts. */
  | { readonly kind: 'document'; readonly document: object; readonly status?: 200 | 201 }
  | { readonly kind: 'empty'; readonly status?: 200 | 201 | 304; readonly headers?: Headers }
  /** The same, elsewhere, for a while. */
  | { readonly kind: 'elsewhere'; readonly href: string }
  | {
      readonly kind: 'bytes';
      readonly status?: 200;
      readonly contentType: string;
      readonly bytes: Uint8Array;
      readonly headers?: Headers;
    }
  | {
      readonly kind: 'stream';
      readonly status: 200 | 206;
      readonly sizeBytes: number;
      readonly headers: Headers;
      /** Called only when the body is really sent: not for HEAD. */
      readonly open: () => Readable;
    };

export const EMPTY: Answer = { kind: 'empty' };
