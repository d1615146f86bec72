import type { Processes } from '../common/cpu-time.js';
import type { Asked } from './load/wrk.js';

/** Something that answers issue calls, measured under both loads. */
export interface Subject {
  readonly id: string;
  readonly what: string;
  readonly kind: 'baseline' | 'alternative' | 'service';
  readonly url: string;
  readonly processes: Processes;
  readonly users: Users;
  /** Every answer must be a refusal, instead of a success. */
  readonly refuses?: true;
  /** `full`: in the long form only; `slow`: there, and once. Absent: kept connections only. */
  readonly burst?: 'always' | 'full' | 'slow';
  /** Before each run, not measured. */
  begin?(): Promise<void>;
  /** After the load and before CPU is read: what was put off still belongs to the requests. */
  settle?(): Promise<void>;
  /** After CPU is read. */
  end?(): Promise<void>;
}

/** Eight digits. */
export const FIRST_USER = 10_000_000;
const NO_REPEAT = 50_000_000;
/** wrk has sent up to a few requests per connection more than it counts. */
const MARGIN = 2_000;

/** Who asks for what. Everybody asks once, each run goes on where the last one ended; or `same` users again and again. */
export class Users {
  #asked = 0;

  constructor(
    public firstCoupon: number,
    private readonly options: { coupons?: number; same?: number } = {},
  ) {}

  next(): Asked {
    const { coupons = 1, same } = this.options;
    const firstUser = FIRST_USER + (same ? 0 : this.#asked);
    return { firstUser, users: same ?? NO_REPEAT, firstCoupon: this.firstCoupon, coupons };
  }

  /** How many requests were sent. */
  used(requests: number): void {
    this.#asked += requests + MARGIN;
  }
}
