import { z } from 'zod';
import { USER_ID, USER_ID_DESCRIPTION, USER_ID_MAX } from './user-id.js';

/** The only source of the types and of the OpenAPI document. What comes in is strict: an unknown member is a fault. */

const NAME_MAX = 120;
const TOTAL_MAX = 10_000_000;
const PAGE_MAX = 100;
const PAGE_DEFAULT = 50;

const EARLIEST = new Date('2000-01-01T00:00:00.000Z');
const LATEST = new Date('9999-12-31T23:59:59.999Z');

const timeIn = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .refine((time) => time >= EARLIEST && time <= LATEST, 'must be between the years 2000 and 9999')
  .meta({ description: 'ISO 8601 with a zone, to the millisecond', example: '2030-01-01T00:00:00.000Z' });

const timeOut = z.iso
  .datetime()
  .meta({ description: 'ISO 8601, UTC, milliseconds', example: '2030-01-01T00:00:00.000Z' });

const couponId = z.int().min(1).meta({ description: 'Id of the coupon', example: 1 });
export const userIdSchema = z
  .string()
  .min(1)
  .max(USER_ID_MAX)
  .regex(USER_ID)
  .meta({ description: USER_ID_DESCRIPTION, example: '4711' });
const count = z.int().min(0);

const name = z
  .string()
  .trim()
  .min(1)
  .max(NAME_MAX)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain control characters')
  .meta({ example: 'Launch day' });
const total = z
  .int()
  .min(1)
  .max(TOTAL_MAX)
  .meta({ description: 'How many coupons there are', example: 10_000 });

export const newCampaignSchema = z
  .strictObject({
    name,
    total,
    opensAt: timeIn.optional().meta({ description: 'Default: now' }),
    closesAt: timeIn.nullable().optional().meta({ description: 'Default: open until sold out or closed' }),
  })
  .refine(({ opensAt, closesAt }) => !closesAt || closesAt > (opensAt ?? new Date()), {
    path: ['closesAt'],
    message: 'must be after opensAt',
  })
  .meta({ id: 'NewCampaign' });

export const campaignChangeSchema = z
  .strictObject({
    name: name.optional(),
    total: total.optional().meta({ description: 'May only rise' }),
    opensAt: timeIn.optional().meta({ description: 'Not into the future once the campaign has opened' }),
    closesAt: timeIn.nullable().optional().meta({ description: 'Null: no end' }),
  })
  .refine((change) => Object.keys(change).length > 0, 'nothing to change')
  .meta({ id: 'CampaignChange', description: 'What is absent stays as it is' });

const wholeNumberText = z.string().regex(/^[0-9]{1,15}$/, 'must be a whole number');
const limit = wholeNumberText
  .transform(Number)
  .refine((value) => value >= 1 && value <= PAGE_MAX, `must be between 1 and ${PAGE_MAX}`)
  .default(PAGE_DEFAULT)
  .meta({ description: `1 to ${PAGE_MAX}, default ${PAGE_DEFAULT}` });

export const campaignsPageSchema = z.strictObject({
  after: wholeNumberText
    .transform(Number)
    .default(0)
    .meta({ description: '`next` of the page before; default: from the first' }),
  limit,
});

export const userCouponsPageSchema = z.strictObject({
  after: wholeNumberText
    .transform(Number)
    .nullable()
    .default(null)
    .meta({ description: '`next` of the page before; default: from the newest' }),
  limit,
});

const state = z.enum(['scheduled', 'open', 'soldOut', 'ended']);

export const couponSchema = z
  .object({
    couponId,
    name,
    state,
    total: count,
    remaining: count,
    opensAt: timeOut,
    closesAt: timeOut.nullable().meta({ description: 'Null: open until sold out or closed' }),
  })
  .meta({ id: 'Coupon' });

export const campaignSchema = couponSchema
  .extend({
    closedAt: timeOut.nullable().meta({ description: 'When an operator closed it' }),
    gate: z.enum(['open', 'shut', 'unknown', 'archived']).meta({
      description:
        'Whether Redis has the campaign: while it is shut every issue call gets 503; unknown: Redis did not answer; ' +
        'archived: over for long, MySQL answers',
    }),
    issued: count.nullable().meta({ description: 'Highest rank handed out; null unless the gate is open' }),
    remaining: count.nullable().meta({ description: 'Null unless the gate is open' }),
  })
  .meta({ id: 'Campaign' });

export const campaignStatisticsSchema = campaignSchema
  .extend({
    persisted: count.meta({ description: 'Issued coupons that MySQL has' }),
    lag: z
      .object({ entries: count, oldestAgeMs: count })
      .nullable()
      .meta({ description: "What waits in the coupon's partition for MySQL; null: Redis did not answer" }),
  })
  .meta({ id: 'CampaignStatistics' });

export const campaignsSchema = z
  .object({ campaigns: z.array(campaignSchema), next: couponId.nullable() })
  .meta({ id: 'Campaigns' });

const rank = z.int().min(1).meta({ description: 'Place in line, 1 to total' });

export const issuedSchema = z
  .object({ couponId, userId: userIdSchema, rank, issuedAt: timeOut })
  .meta({ id: 'IssuedCoupon' });

export const userCouponsSchema = z
  .object({
    userId: userIdSchema,
    coupons: z.array(issuedSchema.omit({ userId: true })).meta({ description: 'Newest first' }),
    next: couponId.nullable(),
  })
  .meta({ id: 'UserCoupons' });

export const problemSchema = z
  .object({
    type: z.string().meta({ example: 'urn:coupon-rush:problem:sold-out' }),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'Stable, for programs', example: 'sold-out' }),
    detail: z.string(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' });

export const faultsProblemSchema = problemSchema
  .extend({ errors: z.array(z.object({ path: z.string(), message: z.string() })).optional() })
  .meta({ id: 'InvalidRequestProblem' });

export const alreadyIssuedProblemSchema = problemSchema
  .extend(issuedSchema.shape)
  .meta({ id: 'AlreadyIssuedProblem', description: 'With the coupon that the user holds' });

export const notOpenProblemSchema = problemSchema.extend({ opensAt: timeOut }).meta({ id: 'NotOpenProblem' });

export type CouponBody = z.infer<typeof couponSchema>;
export type CampaignBody = z.infer<typeof campaignSchema>;
export type CampaignStatisticsBody = z.infer<typeof campaignStatisticsSchema>;
export type CampaignsBody = z.infer<typeof campaignsSchema>;
export type UserCouponsBody = z.infer<typeof userCouponsSchema>;
