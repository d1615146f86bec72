import type { AnswerCounts } from './answers.js';

export const SCENARIOS = ['peak', 'sold-out', 'duplicates', 'arrival', 'saturate'] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

/** What a person may choose; absent: the scenario's own numbers. */
export interface Sizes {
  users?: number;
  stock?: number;
  /** Arrivals a second. */
  rate?: number;
  /** Seconds of arrivals, or of saturation. */
  durationS?: number;
  profile?: 'constant' | 'ramping';
  /** Virtual users of k6. */
  vus?: number;
}

export interface Plan {
  scenario: ScenarioName;
  /** Different users; of arrivals an estimate, of saturation a limit. */
  users: number;
  stock: number;
  /** Simultaneous tries of each user. */
  tries: number;
  /** Connections all generators hold at once. */
  connections: number;
  /** Requests in all; null: time decides. */
  requests: number | null;
  /** For the k6 script. */
  env: Record<string, string>;
  /** Set arrivals a second, of an open model; of a ramp their average. */
  rate?: number;
}

export type Expected = Pick<AnswerCounts, '200' | '409' | '410'>;

/** Files that k6, nginx or Node need besides one for each connection. */
const SPARE_FILES = 1_000;

/**
 * Throws a `RangeError` with words for people when the numbers do not fit the scenario or this machine.
 *
 * @param openFiles that one generator may open
 */
export function plan(scenario: ScenarioName, sizes: Sizes, openFiles: number, generators = 1): Plan {
  const fit = (openFiles - SPARE_FILES) * generators;
  const made = planOf(scenario, sizes, fit);
  if (made.connections > fit) {
    const share = Math.ceil(made.connections / generators);
    throw new RangeError(
      `${share} connections at once do not fit into the ${openFiles} files ${generators > 1 ? 'each generator' : 'this process'} may open ` +
        `(ulimit -n, ${SPARE_FILES} of them spare): choose fewer users, more generators, or raise the limit`,
    );
  }
  return made;
}

function planOf(scenario: ScenarioName, sizes: Sizes, fit: number): Plan {
  switch (scenario) {
    case 'arrival':
      return planArrival(sizes);
    case 'saturate':
      return planSaturation(sizes);
    default:
      return planBurst(scenario, sizes, fit);
  }
}

function planBurst(scenario: Exclude<ScenarioName, 'arrival' | 'saturate'>, sizes: Sizes, fit: number): Plan {
  const tries = scenario === 'duplicates' ? 3 : 1;
  const users = sizes.users ?? { peak: 10_000, 'sold-out': 20_000, duplicates: 5_000 }[scenario];
  const stock = sizes.stock ?? Math.min(10_000, scenario === 'sold-out' ? Math.ceil(users / 2) : users);
  // Several users for each virtual user, one after the other, only where they do not fit all at once.
  const rounds = scenario === 'sold-out' ? Math.max(1, Math.ceil(users / Math.max(1, fit))) : 1;
  const vus = Math.min(users, sizes.vus ?? Math.ceil(users / rounds));
  const expected = expectedAnswers({ users, stock, tries });
  return {
    scenario,
    users,
    stock,
    tries,
    connections: (scenario === 'sold-out' ? vus : users) * tries,
    requests: users * tries,
    env: {
      USERS: String(users),
      ...(scenario === 'sold-out' ? { VUS: String(vus) } : {}),
      ...(tries > 1 ? { TRIES: String(tries) } : {}),
      EXPECT_ISSUED: String(expected['200']),
      // k6 leaves a threshold on a counter that never counted out of its verdict, so zero needs none.
      ...(expected['409'] > 0 ? { EXPECT_ALREADY_ISSUED: String(expected['409']) } : {}),
      ...(expected['410'] > 0 ? { EXPECT_SOLD_OUT: String(expected['410']) } : {}),
    },
  };
}

function planArrival(sizes: Sizes): Plan {
  const { rate = 500, durationS = 20, profile = 'constant' } = sizes;
  const users = Math.ceil(profile === 'constant' ? rate * durationS : rate * durationS * 1.5);
  const vus = sizes.vus ?? Math.max(10, rate * 2);
  return {
    scenario: 'arrival',
    users,
    stock: sizes.stock ?? users + rate,
    tries: 1,
    connections: vus,
    requests: null,
    rate: profile === 'constant' ? rate : rate * 0.75,
    env: { RATE: String(rate), DURATION: String(durationS), PROFILE: profile, VUS: String(vus) },
  };
}

/** More than is issued in some seconds; a larger one would take the room of other campaigns in Redis. */
const ENDLESS_STOCK = 200_000;

function planSaturation({ vus = 64, durationS = 5, stock = ENDLESS_STOCK }: Sizes): Plan {
  return {
    scenario: 'saturate',
    users: stock,
    stock,
    tries: 1,
    connections: vus,
    requests: null,
    env: { VUS: String(vus), DURATION: String(durationS) },
  };
}

/** Of a fresh campaign: whoever comes first within the stock wins once, further tries of a winner are 409. */
export function expectedAnswers({ users, stock, tries }: Pick<Plan, 'users' | 'stock' | 'tries'>): Expected {
  const winners = Math.min(users, stock);
  return { '200': winners, '409': winners * (tries - 1), '410': (users - winners) * tries };
}

/** What is not as expected, in words; empty when all is well. `users` are those who really asked. */
export function deviations(planned: Plan, answers: AnswerCounts, users: number): string[] {
  const asked = planned.requests === null ? users : planned.users;
  const expected: AnswerCounts = {
    ...expectedAnswers({ ...planned, users: asked }),
    other: 0,
    timeouts: 0,
    connectionErrors: 0,
  };
  const wrong = (Object.keys(expected) as (keyof AnswerCounts)[])
    .filter((kind) => answers[kind] !== expected[kind])
    .map((kind) => `${answers[kind]} answers of kind ${kind}, expected ${expected[kind]}`);
  if (users !== asked) wrong.push(`${users} users asked, expected ${asked}`);
  return wrong;
}
