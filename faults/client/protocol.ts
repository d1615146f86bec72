/** What the client process is told at its start, as one JSON argument. */
export interface ClientOptions {
  frontUrl: string;
  couponId: number;
  /** New users a second, whether or not those before have their answer. */
  rate: number;
  /** Ends by itself after this many users and after this time. */
  maxUsers: number;
  maxMs: number;
  /** User ids are this and a number. */
  userPrefix: string;
  seed: number;
  logFile: string;
  /** Share of users that ask once more after their answer: with another key, or with the same one. */
  secondTryShare: number;
  /** Share of users that come on a connection of their own. */
  freshShare: number;
}

export type ToClient = { kind: 'rate'; rate: number } | { kind: 'finish' };

/** Sent every 50 ms, and once more with `finished`. */
export interface ClientReport {
  /** Users that began. */
  began: number;
  /** Users that have a definite answer. */
  decided: number;
  /** Tries that ended without one: 5xx, 429, no answer. */
  failedTries: number;
  /** Users that went without a definite answer until the end. */
  undecided: number;
  /** Users that should have begun while too many were waiting. */
  skipped: number;
  finished: boolean;
}
