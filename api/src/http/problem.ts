import { STATUS_CODES, type ServerResponse } from 'node:http';

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
  'already-opened': [
    409,
    'The campaign has opened already',
    'The beginning cannot be put off any more: close the campaign instead.',
  ],
  'campaign-closed': [409, 'The campaign was closed for good', 'Create a new campaign.'],
  'campaign-too-large': [
    409,
    'The campaign does not fit into Redis',
    'Create a smaller one, close campaigns that nobody needs, or give Redis more memory (REDIS_MAXMEMORY).',
  ],
  'sold-out': [410, 'The coupons are sold out', 'None is left.'],
  ended: [410, 'The campaign has ended', 'Nothing more is issued.'],
  'payload-too-large': [413, 'The body is too large', 'Send less.'],
  'unsupported-media-type': [415, 'The body is not JSON', 'Send Content-Type: application/json.'],
  'request-timeout': [408, 'The request took too long to arrive', 'Send it again, faster.'],
  /** Said by nginx, which counts the tries: see nginx/templates/front.conf.template. */
  'too-many-requests': [429, 'Too many tries', "Wait for Retry-After seconds before this user's next try."],
  'headers-too-large': [431, 'The headers are too large', 'Send less.'],
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
  /** Said by nginx too, in the same words: nginx/templates/ops.conf.template. */
  overloaded: [
    503,
    'Too many ask at once',
    'This try decided nothing. Repeat the same call, with the same Idempotency-Key, after Retry-After seconds.',
  ],
  'outcome-unknown': [
    503,
    'The outcome is not known',
    'The coupon may have been issued. Repeat the same call with the same Idempotency-Key: the answer tells.',
  ],
  internal: [500, 'Something went wrong here', 'Report the request id of this answer.'],
} as const satisfies Record<string, readonly [number, string, string]>;

export type ProblemCode = keyof typeof PROBLEMS;

const PROBLEM_TYPE_PREFIX = 'urn:coupon-rush:problem:';
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

export interface ProblemDetails extends ErrorOptions {
  /** Replaces the general advice; shown to the client. */
  detail?: string;
  headers?: Record<string, string>;
  /** Further members of the body. */
  extension?: Record<string, unknown>;
}

/** Throw it from a route; the error handler renders it. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';

  constructor(
    readonly code: ProblemCode,
    readonly details: ProblemDetails = {},
  ) {
    super(details.detail ?? PROBLEMS[code][2], details);
  }
}

/** For the hot path. `extension`: further members of the body; a `detail` of its own belongs into a `ProblemError`. */
export function sendProblem(
  res: ServerResponse,
  code: ProblemCode,
  extension?: Record<string, unknown>,
  headers?: Record<string, string>,
): void {
  send(res, code, withExtension(openBodies[code], extension), headers);
}

export function sendProblemError(res: ServerResponse, { code, message, details }: ProblemError): void {
  send(res, code, withExtension(bodyOf(code, message).slice(0, -1), details.extension), details.headers);
}

/** The whole body, for an answer that is made once and sent often. */
export const problemBody = (code: ProblemCode): string => withExtension(openBodies[code]);

/** A whole response, for a request that never became one: Node's parser gave up on it. */
export function rawProblem(code: ProblemCode): string {
  const [status] = PROBLEMS[code];
  const body = `${openBodies[code]}}`;
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${PROBLEM_CONTENT_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'cache-control: no-store',
    'connection: close',
    '',
    body,
  ].join('\r\n');
}

function withExtension(openBody: string, extension?: Record<string, unknown>): string {
  return openBody + (extension ? `,${JSON.stringify(extension).slice(1)}` : '}');
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
