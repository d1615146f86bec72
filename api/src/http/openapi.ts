import { OpenAPIRegistry, OpenApiGeneratorV31, type RouteConfig } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { json, problems } from './openapi-responses.js';
import {
  campaignChangeSchema,
  campaignSchema,
  campaignsPageSchema,
  campaignsSchema,
  campaignStatisticsSchema,
  couponSchema,
  issuedSchema,
  newCampaignSchema,
  userIdSchema,
  userCouponsPageSchema,
  userCouponsSchema,
} from './schemas.js';
import { USER_ID_DESCRIPTION } from './user-id.js';

const couponIdPath = z.object({
  couponId: z.int().min(1).meta({ description: 'Id of the coupon', example: 1 }),
});
const userIdHeader = userIdSchema.meta({ description: `Who asks. ${USER_ID_DESCRIPTION}`, example: '4711' });
const attemptKeyHeader = z
  .string()
  .regex(/^[\x20-\x7e]{1,255}$/)
  .optional()
  .meta({
    description:
      'Names this attempt. The same key again gets the original answer; default: the request id, which is new every time.',
  });

const issueCall: RouteConfig = {
  method: 'post',
  path: '/api/v1/coupons/call/{couponId}',
  tags: ['coupons'],
  summary: 'Ask for a coupon',
  description: 'First come, first served. It has no body.',
  request: {
    params: couponIdPath,
    headers: z.object({ 'X-USER-ID': userIdHeader, 'Idempotency-Key': attemptKeyHeader }),
  },
  responses: {
    200: json(
      'Issued. It is on disk.',
      issuedSchema,
      z.object({
        'Idempotency-Replayed': z
          .literal('true')
          .optional()
          .meta({ description: 'This attempt was answered before' }),
      }),
    ),
    ...problems('invalid-coupon-id', 'invalid-user-id', 'invalid-idempotency-key'),
    ...problems('not-open', 'unknown-coupon', 'method-not-allowed', 'already-issued', 'sold-out', 'ended'),
    ...problems('headers-too-large', 'too-many-requests'),
    ...problems('not-ready', 'backlog-full', 'overloaded', 'outcome-unknown'),
  },
};

const readCoupon: RouteConfig = {
  method: 'get',
  path: '/api/v1/coupons/{couponId}',
  tags: ['coupons'],
  summary: 'See a coupon',
  description: 'Up to two seconds old.',
  request: { params: couponIdPath },
  responses: {
    200: json('The coupon', couponSchema),
    ...problems('invalid-coupon-id', 'unknown-coupon', 'not-ready'),
  },
};

const listMine: RouteConfig = {
  method: 'get',
  path: '/api/v1/users/me/coupons',
  tags: ['coupons'],
  summary: 'List my coupons',
  description: 'Complete from the moment of the 200 on; at most the newest 1,000.',
  request: { headers: z.object({ 'X-USER-ID': userIdHeader }), query: userCouponsPageSchema },
  responses: {
    200: json('The coupons of this user', userCouponsSchema),
    ...problems('invalid-user-id', 'invalid-request', 'too-many-requests', 'not-ready'),
  },
};

const ADMIN = { tags: ['admin'], security: [{ adminToken: [] }] };
const PENDING = json('MySQL has it, Redis not yet: a worker sees to it.', campaignSchema);
const adminProblems = problems('unauthorized', 'not-ready');
const body = (schema: z.ZodType) => ({
  body: { required: true, content: { 'application/json': { schema } } },
});

const adminCalls: RouteConfig[] = [
  {
    ...ADMIN,
    method: 'post',
    path: '/api/v1/admin/coupons',
    summary: 'Create a campaign',
    request: body(newCampaignSchema),
    responses: {
      201: json('Created, gate open', campaignSchema),
      202: PENDING,
      ...problems('invalid-request', 'campaign-too-large', 'payload-too-large', 'unsupported-media-type'),
      ...adminProblems,
    },
  },
  {
    ...ADMIN,
    method: 'get',
    path: '/api/v1/admin/coupons',
    summary: 'List campaigns by id',
    request: { query: campaignsPageSchema },
    responses: {
      200: json('A page of campaigns', campaignsSchema),
      ...problems('invalid-request'),
      ...adminProblems,
    },
  },
  {
    ...ADMIN,
    method: 'get',
    path: '/api/v1/admin/coupons/{couponId}',
    summary: 'See a campaign with live numbers',
    request: { params: couponIdPath },
    responses: {
      200: json('The campaign', campaignStatisticsSchema),
      ...problems('invalid-coupon-id', 'unknown-coupon'),
      ...adminProblems,
    },
  },
  {
    ...ADMIN,
    method: 'patch',
    path: '/api/v1/admin/coupons/{couponId}',
    summary: 'Raise the stock, change the window or the name',
    request: { params: couponIdPath, ...body(campaignChangeSchema) },
    responses: {
      200: json('Changed', campaignSchema),
      202: PENDING,
      ...problems(
        ...(['invalid-coupon-id', 'invalid-request', 'unknown-coupon', 'stock-cannot-shrink'] as const),
        ...([
          'already-opened',
          'campaign-closed',
          'campaign-too-large',
          'payload-too-large',
          'unsupported-media-type',
        ] as const),
      ),
      ...adminProblems,
    },
  },
  {
    ...ADMIN,
    method: 'post',
    path: '/api/v1/admin/coupons/{couponId}/close',
    summary: 'Close a campaign for good',
    request: { params: couponIdPath },
    responses: {
      200: json('Closed', campaignSchema),
      202: PENDING,
      ...problems('invalid-coupon-id', 'unknown-coupon'),
      ...adminProblems,
    },
  },
];

export type OpenApiDocument = ReturnType<OpenApiGeneratorV31['generateDocument']>;

/** What /docs shows. Operations (/livez, /readyz, /metrics) are not for clients and not in it. */
export function createOpenApiDocument(): OpenApiDocument {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'adminToken', { type: 'http', scheme: 'bearer' });
  for (const route of [issueCall, readCoupon, listMine, ...adminCalls]) registry.registerPath(route);
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'coupon-rush',
      version: '1',
      description: 'First-come-first-served coupons. Every problem is RFC 9457 with a stable `code`.',
    },
    servers: [{ url: '/' }],
  });
}
