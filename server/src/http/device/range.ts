/**
 * Range requests on a file (RFC 9110 §13 and §14): from the request headers and the file's size to the exact answer.
 *
 * Positions of the request may have any number of digits; they are compared as big integers before they become numbers.
 * A set of ranges is limited in number and may not ask for more bytes than the file has, so that a small request never
 * makes a large answer. An unknown unit is ignored (§14.2); a malformed byte range is 416, as hawkBit answers.
 */
import { utf8 } from '@pawl/core/bytes';

export type ByteRange = { readonly start: number; readonly end: number };
/** `end` is inclusive, as on the wire. */
export type Segment = { readonly bytes: Uint8Array } | ByteRange;

export type FileFacts = {
  readonly sizeBytes: number;
  /** Strong entity tag without quotes: the SHA-1 that DDI clients know. */
  readonly etag: string;
  readonly lastModified: Date;
};

export type RangeHeaders = {
  readonly range?: string | undefined;
  readonly ifRange?: string | undefined;
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
};

export type DownloadPlan =
  | { readonly status: 304 | 412 }
  | { readonly status: 416; readonly contentRange: string }
  | {
      readonly status: 200 | 206;
      readonly contentType: string;
      readonly contentRange?: string;
      readonly sizeBytes: number;
      readonly segments: readonly Segment[];
    };

const OCTETS = 'application/octet-stream';
const RANGES_MAX = 16;
const SPEC = /^\s*([0-9]*)\s*-\s*([0-9]*)\s*$/;

function parseSpec(spec: string, sizeBytes: number): ByteRange | 'unsatisfiable' | 'malformed' {
  const match = SPEC.exec(spec);
  const [first, last] = [match?.[1] ?? '', match?.[2] ?? ''];
  if (first === '' && last === '') return 'malformed';
  const size = BigInt(sizeBytes);
  // RFC 9110 §14.1.2: "-n" is the last n bytes; the whole file when it is shorter.
  if (first === '') {
    const length = BigInt(last);
    if (length === 0n || size === 0n) return 'unsatisfiable';
    return { start: Number(length > size ? 0n : size - length), end: sizeBytes - 1 };
  }
  const start = BigInt(first);
  if (last !== '' && BigInt(last) < start) return 'malformed';
  if (start >= size) return 'unsatisfiable';
  const end = last === '' || BigInt(last) >= size ? size - 1n : BigInt(last);
  return { start: Number(start), end: Number(end) };
}

/** The ranges to send; undefined to send the whole; `unsatisfiable` for 416. */
export function parseRange(header: string, sizeBytes: number): readonly ByteRange[] | undefined | 'unsatisfiable' {
  const match = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=(.*)$/.exec(header);
  if (match === null) return 'unsatisfiable';
  // RFC 9110 §14.2: a range unit that is not understood is ignored.
  if (match[1]?.toLowerCase() !== 'bytes') return undefined;
  const specs = (match[2] ?? '').split(',');
  if (specs.length > RANGES_MAX) return 'unsatisfiable';
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const range = parseSpec(spec, sizeBytes);
    if (range === 'malformed') return 'unsatisfiable';
    if (range !== 'unsatisfiable') ranges.push(range);
  }
  if (ranges.length === 0) return 'unsatisfiable';
  const total = ranges.reduce((sum, { start, end }) => sum + (end - start + 1), 0);
  // RFC 9110 §14.2: a server may refuse many overlapping ranges (a known way to exhaust it).
  return ranges.length > 1 && total > sizeBytes ? 'unsatisfiable' : ranges;
}

function listsTag(header: string, etag: string): boolean {
  const tags = header.split(',').map((tag) => tag.trim());
  return tags.includes('*') || tags.includes(`"${etag}"`);
}

/** RFC 9110 §13.1.5: strong comparison, or the very date that was sent as Last-Modified. */
function isRangeCurrent(ifRange: string | undefined, file: FileFacts): boolean {
  if (ifRange === undefined) return true;
  const value = ifRange.trim();
  // hawkBit's own clients send the tag without quotes too.
  return value === `"${file.etag}"` || value === file.etag || value === file.lastModified.toUTCString();
}

function rangeText({ start, end }: ByteRange, sizeBytes: number): string {
  return `bytes ${start}-${end}/${sizeBytes}`;
}

function lengthOf(segment: Segment): number {
  return 'bytes' in segment ? segment.bytes.length : segment.end - segment.start + 1;
}

/** RFC 9110 §15.3.7.2: each range is a part with its own headers; the boundary must not stand in the file. */
function multipartPlan(ranges: readonly ByteRange[], sizeBytes: number, boundary: string): DownloadPlan {
  const segments: Segment[] = ranges.flatMap((range, index) => {
    const lead = index === 0 ? '' : '\r\n';
    const head = `${lead}--${boundary}\r\nContent-Type: ${OCTETS}\r\nContent-Range: ${rangeText(range, sizeBytes)}\r\n\r\n`;
    return [{ bytes: utf8(head) }, range];
  });
  segments.push({ bytes: utf8(`\r\n--${boundary}--\r\n`) });
  return {
    status: 206,
    contentType: `multipart/byteranges; boundary=${boundary}`,
    sizeBytes: segments.reduce((sum, segment) => sum + lengthOf(segment), 0),
    segments,
  };
}

/** Decides the answer to a download. `boundary` is random text for a multipart answer. */
export function decideDownload(headers: RangeHeaders, file: FileFacts, boundary: string): DownloadPlan {
  const { sizeBytes, etag } = file;
  // RFC 9110 §13.2.2: If-Match first, then If-None-Match, then Range with If-Range.
  const ifMatch = headers.ifMatch;
  if (ifMatch !== undefined && !listsTag(ifMatch, etag) && ifMatch.trim() !== etag) return { status: 412 };
  if (headers.ifNoneMatch !== undefined && listsTag(headers.ifNoneMatch.replaceAll('W/', ''), etag)) {
    return { status: 304 };
  }
  const isPartial = headers.range !== undefined && isRangeCurrent(headers.ifRange, file);
  const ranges = isPartial ? parseRange(headers.range ?? '', sizeBytes) : undefined;
  if (ranges === 'unsatisfiable') return { status: 416, contentRange: `bytes */${sizeBytes}` };
  if (ranges === undefined) {
    const whole = sizeBytes === 0 ? [] : [{ start: 0, end: sizeBytes - 1 }];
    return { status: 200, contentType: OCTETS, sizeBytes, segments: whole };
  }
  const [only] = ranges;
  if (only === undefined || ranges.length > 1) return multipartPlan(ranges, sizeBytes, boundary);
  return {
    status: 206,
    contentType: OCTETS,
    contentRange: rangeText(only, sizeBytes),
    sizeBytes: lengthOf(only),
    segments: [only],
  };
}
