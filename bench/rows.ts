import type { Processes } from '../common/cpu-time.js';
import type { Asked } from './load/wrk.js';

export type RowKind = 'floor' | 'rival' | 'service';

/** Something that answers issue calls, measured under both loads. */
export interface Row {
  readonly id: string;
  readonly what: string;
  readonly kind: RowKind;
  readonly url: string;
  readonly processes: Processes;
  /** What every answer must be. */
  readonly expected: '2xx' | 'not2xx';
  /** `full`: in the long form only; `slow`: there, and once. Absent: kept connections only. */
  readonly burst?: 'always' | 'full' | 'slow';
  /** Users and coupons of the next run. */
  next(): Asked;
  /** Told how many requests were sent, so that the next run asks for other users. */
  used(requests: number): void;
  /** Before each run, not measured. */
  begin?(): Promise<void>;
  /** After the load and before CPU is read: what was put off still belongs to the requests. */
  settle?(): Promise<void>;
  /** After CPU is read. */
  end?(): Promise<void>;
}

const FIRST_USER = 10_000_000;
const NO_REPEAT = 50_000_000;
/** wrk has sent up to a few requests per connection more than it counts. */
const MARGIN = 2_000;

/** Everybody asks once: each run goes on where the last one ended. Eight digits. */
export function newUsers(coupon: () => { first: number; count: number }): Pick<Row, 'next' | 'used'> {
  let firstUser = FIRST_USER;
  return {
    next: () => ({
      firstUser,
      users: NO_REPEAT,
      firstCoupon: coupon().first,
      coupons: coupon().count,
    }),
    used: (requests) => {
      firstUser += requests + MARGIN;
    },
  };
}

/** The same users again and again. */
export const sameUsers = (firstCoupon: number, users: number): Pick<Row, 'next' | 'used'> => ({
  next: () => ({ firstUser: FIRST_USER, users, firstCoupon, coupons: 1 }),
  used: () => undefined,
});
