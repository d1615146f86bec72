import { waitUntil } from '../common/wait-until.js';
import type { Container } from '../stack/compose/containers.js';
import type { ComposeStack } from '../stack/types.js';
import { readAccessLog, type AccessCounts } from './nginx-log.js';

/** What a new replica may take from being healthy to its first call. */
const USED_WITHIN_MS = 10_000;

const isUsed = ({ addresses }: Container, { byReplica }: AccessCounts): boolean =>
  addresses.some((address) => byReplica.has(`${address}:3000`));

/** Waits until nginx sends calls to exactly `count` replicas, all that run. There must be traffic. */
export async function untilServedBy(stack: ComposeStack, count: number): Promise<void> {
  const since = new Date();
  const allUsed = async () => {
    const counts = await readAccessLog(stack, since);
    const running = (await stack.containers('api')).filter((replica) => replica.running);
    return running.length === count && running.every((replica) => isUsed(replica, counts));
  };
  await waitUntil(allUsed, {
    what: `nginx uses ${count} replicas`,
    timeoutMs: USED_WITHIN_MS,
    intervalMs: 250,
  });
}

/** Process ids of nginx's workers: a reload would change them. Its cache loader ends by itself after a minute. */
export async function listNginxWorkers(stack: ComposeStack): Promise<string> {
  const script =
    'for p in /proc/[0-9]*; do c=$(tr "\\0" " " <$p/cmdline); case "$c" in "nginx: worker"*) echo ${p#/proc/};; esac; done | sort -n';
  return (await stack.compose(['exec', '-T', 'nginx', 'sh', '-c', script])).split('\n').join(' ');
}

const CLOSED_PATHS = ['/api/v1/admin/coupons', '/metrics', '/readyz', '/livez', '/stub_status'];

/** Only nginx can be reached from this machine, and neither admin nor metrics by its front door. Returns what is wrong. */
export async function checkDoors(stack: ComposeStack): Promise<string[]> {
  const headers = { authorization: `Bearer ${stack.adminToken}` };
  const statuses = await Promise.all(
    CLOSED_PATHS.map(async (path) => (await fetch(`${stack.frontUrl}${path}`, { headers })).status),
  );
  const published = (await stack.containers())
    .filter(({ ports }) => ports.size > 0)
    .map(({ service }) => service);
  return [
    ...CLOSED_PATHS.flatMap((path, i) =>
      statuses[i] === 404 ? [] : [`${path} is behind the front door: ${statuses[i]}`],
    ),
    ...(published.join() === 'nginx' ? [] : [`published are ${published.join()}, not nginx alone`]),
  ];
}
