import type { Mutant, Selection } from './mutant.js';

const TEMPLATES = 'nginx/templates';

const retry = (title: string): Selection => ({
  kind: 'integration',
  file: 'stack/test/integration/front-door-retry.test.ts',
  title,
});
const frontDoor = (title: string): Selection => ({
  kind: 'integration',
  file: 'stack/test/integration/front-door.test.ts',
  title,
});

/** What clients meet: nginx and the routes. */
export const HTTP_MUTANTS: readonly Mutant[] = [
  {
    name: 'an attempt key of its own for each pass of nginx',
    edits: [
      {
        file: `${TEMPLATES}/proxy-settings.conf.template`,
        find: 'proxy_set_header X-Request-ID $request_id;',
        replace: 'proxy_set_header X-Request-ID "$request_id-$msec";',
      },
    ],
    noticedBy: retry('tries all of them again when every try failed, with the same attempt key'),
  },
  {
    name: 'request id no attempt key',
    edits: [
      {
        file: 'api/src/http/routes/issue-route.ts',
        find: "typeof requestId === 'string' && requestId !== '' ? requestId : randomUUID()",
        replace: "typeof requestId === 'string' && requestId === '' ? requestId : randomUUID()",
      },
    ],
    noticedBy: {
      kind: 'integration',
      file: 'api/test/integration/issue-route.test.ts',
      title: 'is replayed for the same x-request-id',
    },
  },
  {
    name: 'issue call not sent to another replica',
    edits: [
      {
        file: `${TEMPLATES}/issue.conf.template`,
        find: 'proxy_next_upstream error timeout invalid_header non_idempotent;',
        replace: 'proxy_next_upstream error timeout invalid_header;',
      },
    ],
    noticedBy: retry('sends the issue call to others with the same attempt key'),
  },
  {
    name: 'every replica asked about a 503',
    edits: [
      {
        file: `${TEMPLATES}/issue.conf.template`,
        find: 'proxy_next_upstream error timeout invalid_header non_idempotent;',
        replace: 'proxy_next_upstream error timeout invalid_header http_503 non_idempotent;',
      },
    ],
    noticedBy: retry('does not ask another one about a 503'),
  },
  {
    name: 'admin calls sent again',
    edits: [
      {
        file: `${TEMPLATES}/ops.conf.template`,
        find: 'proxy_next_upstream error timeout;',
        replace: 'proxy_next_upstream error timeout non_idempotent;',
      },
    ],
    noticedBy: retry('does not send an admin call again'),
  },
  {
    name: 'reads not asked again',
    edits: [
      {
        file: `${TEMPLATES}/read.conf.template`,
        find: 'proxy_next_upstream error timeout invalid_header;',
        replace: 'proxy_next_upstream off;',
      },
    ],
    noticedBy: retry('reads are asked again of another one'),
  },
  {
    name: 'per-user limit off',
    edits: [
      {
        file: `${TEMPLATES}/front.conf.template`,
        find: 'limit_req zone=users burst=${NGINX_ISSUE_BURST} nodelay;',
        replace: '',
      },
    ],
    noticedBy: frontDoor("one user's tries beyond the burst are 429"),
  },
  {
    name: 'user ids of 65 characters',
    edits: [{ file: 'api/src/http/user-id.ts', find: '{0,62}', replace: '{0,63}' }],
    noticedBy: { kind: 'unit', file: 'api/test/unit/parse.test.ts', title: 'user id' },
  },
  {
    name: 'admin without a token',
    edits: [
      {
        file: `${TEMPLATES}/front.conf.template`,
        find: 'location = /healthz {',
        replace: 'location /api/v1/admin/ {\n        include proxy.conf;\n    }\n\n    location = /healthz {',
      },
    ],
    noticedBy: frontDoor('admin'),
  },
  {
    name: 'answers of a batch mixed up',
    edits: [
      {
        file: 'api/src/coupon/issue-batcher.ts',
        find: 'lane.callbacks[i]!(outcomes[i]!)',
        replace: 'lane.callbacks[outcomes.length - 1 - i]!(outcomes[i]!)',
      },
    ],
    noticedBy: { kind: 'unit', file: 'api/test/unit/batcher.test.ts', title: 'in order' },
  },
  {
    name: 'coupons of a user that MySQL does not have yet left out',
    edits: [
      {
        file: 'api/src/coupon/undrained-reader.ts',
        find: 'resolve(found[i]!);',
        replace: 'resolve(found[i]!.slice(0, 0));',
      },
    ],
    noticedBy: {
      kind: 'integration',
      file: 'api/test/integration/http-reads.test.ts',
      title: 'are complete from the moment of the 200 on',
    },
  },
];
