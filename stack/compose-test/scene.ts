import { waitUntil } from '../../common/wait-until.js';
import { AdminClient, waitUntilDrained } from '../../loadtest/admin-client.js';
import { audit, isClean } from '../../loadtest/audit.js';
import { readFacts } from '../../loadtest/facts.js';
import type { ComposeStack } from '../compose.js';
import type { Container } from '../compose/containers.js';
import { describeReplicas, readAccessLog, type AccessCounts } from './access-log.js';
import type { Checks } from './checks.js';
import { tally, type Tally, type Traffic } from './traffic.js';

const DRAIN_MS = 60_000;
/** Within seconds: the time a new replica may take from being healthy to its first request. */
const USED_WITHIN_MS = 10_000;

/** What the acts of the test share. */
export interface Scene {
  readonly stack: ComposeStack;
  readonly checks: Checks;
  readonly print: (line: string) => void;
}

export const describe = ({ sent, issued, replayed, slowestMs, failed }: Tally): string => {
  const failures = Object.entries(failed).map(([kind, count]) => `${count} × ${kind}`);
  return [`${issued} of ${sent} issued`, `${replayed} replayed`, `slowest ${slowestMs} ms`, ...failures].join(
    ', ',
  );
};

/** Plays an act under the running traffic, then checks the answers of every call that was sent meanwhile. */
export async function underTraffic(
  { checks }: Scene,
  traffic: Traffic,
  title: string,
  act: () => Promise<unknown>,
): Promise<void> {
  const from = traffic.attempts.length;
  await act();
  const calls = traffic.attempts.slice(from);
  const answered = () => calls.every(({ answer }) => answer !== null);
  await waitUntil(answered, { what: `every call during "${title}" is answered`, timeoutMs: 60_000 });
  const result = tally(calls);
  checks.check(
    `no failed answer while: ${title}`,
    result.issued === result.sent && result.sent > 0,
    describe(result),
  );
}

/** Waits for this many further answers. */
export async function moreAnswers(traffic: Traffic, count: number): Promise<void> {
  const goal = traffic.answered + count;
  await waitUntil(() => traffic.answered >= goal, { what: `${count} more answers`, timeoutMs: 60_000 });
}

const isUsed = ({ addresses }: Container, { byReplica }: AccessCounts): boolean =>
  addresses.some((address) => byReplica.has(`${address}:3000`));

/** Waits until nginx has sent calls to exactly `count` replicas, all the running ones, and says how long that took. */
export async function untilUsed({ stack, checks }: Scene, count: number): Promise<void> {
  const since = new Date();
  let counts: AccessCounts | undefined;
  const allUsed = async () => {
    counts = await readAccessLog(stack, since);
    const running = (await stack.containers('api')).filter(({ running: runs }) => runs);
    return running.length === count && running.every((replica) => isUsed(replica, counts!));
  };
  const used = await waitUntil(allUsed, {
    what: 'all replicas used',
    timeoutMs: USED_WITHIN_MS,
    intervalMs: 250,
  }).then(
    () => true,
    () => false,
  );
  const seconds = ((Date.now() - since.getTime()) / 1_000).toFixed(1);
  checks.check(
    `nginx uses ${count} replicas without a reload`,
    used,
    `after ${seconds} s: ${describeReplicas(counts!)}`,
  );
}

/** Process ids of nginx's workers: a reload would change them. Its cache loader ends by itself after a minute. */
export async function nginxProcesses({ stack }: Scene): Promise<string> {
  const script =
    'for p in /proc/[0-9]*; do c=$(tr "\\0" " " <$p/cmdline); case "$c" in "nginx: worker"*) echo ${p#/proc/};; esac; done | sort -n';
  return (await stack.compose(['exec', '-T', 'nginx', 'sh', '-c', script])).split('\n').join(' ');
}

export const adminOf = ({ stack }: Scene): AdminClient =>
  new AdminClient({ opsUrl: stack.opsUrl, adminToken: stack.adminToken });

/** Waits for the worker, then compares as sets what clients were told, what Redis decided and what MySQL keeps. */
export async function checkAudit(
  scene: Scene,
  { couponId, attempts }: Traffic,
  title: string,
): Promise<void> {
  const admin = adminOf(scene);
  const from = Date.now();
  const drained = await waitUntilDrained(() => admin.statistics(couponId), DRAIN_MS);
  scene.checks.check(`${title}: everything issued is in MySQL`, drained, `after ${Date.now() - from} ms`);
  const { details, ...counts } = audit({ facts: await readFacts(scene.stack, couponId), attempts });
  const figures = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  scene.checks.check(
    `${title}: the audit of ${attempts.length} calls is clean`,
    isClean({ details, ...counts }),
    figures.join(', '),
  );
  for (const [category, sentences] of Object.entries(details)) {
    for (const sentence of sentences.slice(0, 5)) scene.print(`          ${category}: ${sentence}`);
  }
}
