/** Against Node's own HTTP server text: every cut of every answer gives the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerError, AnswerReader, type HttpAnswer } from './answer-reader.ts';

const WITH_LENGTH = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "x"\r\n\r\nhello';
// RFC 9112 §7.1, with an extension and a trailer.
const CHUNKED =
  'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n';
const EMPTY = 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n';

function read(reader: AnswerReader, parts: readonly Buffer[]): HttpAnswer | undefined {
  let answer: HttpAnswer | undefined;
  for (const part of parts) {
    assert.equal(answer, undefined);
    answer = reader.push(part);
  }
  return answer;
}

const CASES = [
  { text: WITH_LENGTH, status: 200, body: 'hello', isLast: false },
  { text: CHUNKED, status: 404, body: 'hello world', isLast: true },
  { text: EMPTY, status: 304, body: '', isLast: false },
];

for (const { text, ...expected } of CASES) {
  test(`an answer of status ${expected.status} is the same wherever it is cut`, () => {
    const bytes = Buffer.from(text);
    const reader = new AnswerReader();
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const answer = read(reader, [bytes.subarray(0, cut), bytes.subarray(cut)]);
      assert.ok(answer !== undefined);
      const { status, isLast, body, bodyBytes } = answer;
      assert.deepEqual({ status, isLast, body: body.toString() }, expected, `cut at ${cut}`);
      assert.equal(bodyBytes, expected.body.length);
    }
    const single = [...bytes].map((byte) => Buffer.from([byte]));
    assert.equal(read(reader, single)?.body.toString(), expected.body);
  });
}

test('a body that is not wanted is counted and not kept', () => {
  const reader = new AnswerReader();
  reader.keepsBody = false;
  const answer = reader.push(Buffer.from(CHUNKED));
  assert.deepEqual([answer?.bodyBytes, answer?.body.length], [11, 0]);
});

test('what is no answer is refused', () => {
  const refused = [
    'SSH-2.0-OpenSSH_9.2\r\n\r\n',
    'HTTP/1.1 200 OK\r\nServer: x\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(20_000)}`,
    `HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n${'a'.repeat(1_100_000)}`,
  ];
  for (const text of refused) assert.throws(() => new AnswerReader().push(Buffer.from(text)), AnswerError);
});
