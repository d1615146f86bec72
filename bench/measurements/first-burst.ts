import { median } from '../../common/statistics.js';
import { measureBurstRound, type BurstRound } from '../measure.js';
import type { Plan } from '../plan.js';
import { issueSubject, startReplica } from '../system/replica.js';
import type { Servers } from '../system/servers.js';

/** By then nothing is left to compile: later ones are no faster. */
const BURSTS = 6;
const KINDS = { cold: { WARM_UP_MS: '0' }, warm: {} } as const;

/** The first burst ÷ the sixth, medians of the rounds. */
export interface FirstBurst {
  readonly lastAnswer: number;
  readonly apiCpu: number;
}

/** Bursts on a replica that has just started: without its warm-up, and with it. */
export async function measureFirstBurst(
  servers: Servers,
  program: string,
  { burstRounds, burstConnections }: Plan,
): Promise<Record<keyof typeof KINDS, FirstBurst>> {
  const measure = async (kind: keyof typeof KINDS, round: number): Promise<BurstRound[]> => {
    const replica = await startReplica(servers, {
      name: `${kind}-${round}`,
      durable: true,
      env: KINDS[kind],
    });
    const subject = issueSubject(replica, kind, `a replica that has just started, ${kind}`);
    const bursts: BurstRound[] = [];
    for (let i = 0; i < BURSTS; i += 1)
      bursts.push(await measureBurstRound(subject, program, burstConnections));
    await replica.api.stop();
    replica.redis.disconnect();
    await replica.redisServer.stop();
    return bursts;
  };
  const rounds = { cold: [] as BurstRound[][], warm: [] as BurstRound[][] };
  for (let round = 1; round <= burstRounds; round += 1) {
    for (const kind of ['cold', 'warm'] as const) rounds[kind].push(await measure(kind, round));
    servers.report(`first bursts: round ${round} of ${burstRounds}`);
  }
  const summarise = (all: BurstRound[][]): FirstBurst => {
    const ratio = (read: (burst: BurstRound) => number) =>
      median(all.map((bursts) => read(bursts[0]!) / read(bursts.at(-1)!)));
    return { lastAnswer: ratio((burst) => burst.lastAnswerMs), apiCpu: ratio(({ cpuUs }) => cpuUs['api']!) };
  };
  return { cold: summarise(rounds.cold), warm: summarise(rounds.warm) };
}
