import type { ServerResponse } from 'node:http';

/** Every problem the service answers with: `code` is stable and part of the contract, and so is the type made of it. */
export const PROBLEMS = {
  'invalid-coupon-id': [
    400,
    'The coupon id is not a positive integer',
    'Use the id that the campaign was created with.',
  ],
  'invalid-user-id': [
    400,
    'The user id is missing or malformed',
    'Send one X-USER-ID header of 1 to 64 printable ASCII characters.',
  ],
  'invalid-idempotency-key': [
    400,
    'The attempt key is malformed',
    'Send one Idempotency-Key of 1 to 255 printable ASCII characters, or none.',
  ],
  'invalid-request': [400, 'The request is malformed', 'See the description of this call under /docs.'],
  unauthorized: [
    401,
    'A valid bearer token is needed',
    'Send Authorization: Bearer with the ADMIN_TOKEN of this stack.',
  ],
  'not-open': [403, 'The campaign is not open yet', 'Try again at opensAt.'],
  'unknown-coupon': [404, 'There is no such coupon', 'Check the coupon id.'],
  'not-found': [404, 'There is nothing at this address', 'See /docs for the calls there are.'],
  'method-not-allowed': [405, 'This address does not take that method', 'Use a method of the Allow header.'],
  'already-issued': [
    409,
    'This user already holds this coupon',
    'The body carries the coupon that was issued.',
  ],
  'stock-cannot-shrink': [
    409,
    'The stock can only be raised',
    'Send a total that is not below the present one.',
  ],
  'campaign-closed': [409, 'The campaign was closed for good', 'Create a new campaign.'],
  'sold-out': [410, 'The coupons are sold out', 'None is left.'],
  ended: [410, 'The campaign has ended', 'Nothing more is issued.'],
  'payload-too-large': [413, 'The body is too large', 'Send less.'],
  'unsupported-media-type': [415, 'The body is not JSON', 'Send Content-Type: application/json.'],
  'not-ready': [
    503,
    'Cannot decide now',
    'Nothing was promised. Repeat the same call after Retry-After seconds.',
  ],
  'backlog-full': [
    503,
    'Too much is waiting',
    'Nothing was promised. Repeat the same call after Retry-After seconds.',
  ],
  'outcome-unknown': [
    503,
    'The outcome is not known',
    'The coupon may have been issued. Repeat the same call with the same Idempotency-Key: the answer tells.',
  ],
  internal: [500, 'Something went wrong here', 'Report the request id of this answer.'],
} as const satisfies Record<string, readonly [number, string, string]>;

export type ProblemCode = keyof typeof PROBLEMS;

export const PROBLEM_TYPE_PREFIX = 'urn:coupon-rush:problem:';
export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

const bodyOf = (code: ProblemCode, detail: string) => {
  const [status, title] = PROBLEMS[code];
  return JSON.stringify({ type: `${PROBLEM_TYPE_PREFIX}${code}`, title, status, code, detail });
};

/** The members that every problem of this code shares (RFC 9457), without closing brace: extensions are appended. */
const openBodies = Object.fromEntries(
  Object.entries(PROBLEMS).map(([code, [, , detail]]) => [
    code,
    bodyOf(code as ProblemCode, detail).slice(0, -1),
  ]),
) as Record<ProblemCode, string>;

/** Throw it from a route; the error handler renders it. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';

  constructor(
    readonly code: ProblemCode,
    /** Replaces the general advice; shown to the client. */
    readonly detail?: string,
    readonly headers: Record<string, string> = {},
    options?: ErrorOptions,
  ) {
    super(detail ?? PROBLEMS[code][1], options);
  }
}

/** `extension`: further members of the body; a `detail` of its own belongs into a `ProblemError`. */
export function sendProblem(
  res: ServerResponse,
  code: ProblemCode,
  extension?: Record<string, unknown>,
  headers?: Record<string, string>,
): void {
  send(res, code, openBodies[code] + (extension ? `,${JSON.stringify(extension).slice(1)}` : '}'), headers);
}

export function sendProblemError(res: ServerResponse, { code, detail, headers }: ProblemError): void {
  send(res, code, bodyOf(code, detail ?? PROBLEMS[code][2]), headers);
}

function send(res: ServerResponse, code: ProblemCode, body: string, headers?: Record<string, string>): void {
  res.writeHead(PROBLEMS[code][0], {
    'content-type': PROBLEM_CONTENT_TYPE,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...headers,
  });
  res.end(body);
}
