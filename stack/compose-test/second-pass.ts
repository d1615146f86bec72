import { waitUntil } from '../../common/wait-until.js';
import {
  killContainer,
  pauseContainer,
  startContainer,
  stopContainer,
  unpauseContainer,
} from '../compose/containers.js';
import { readAccessLog, type AccessCounts } from './access-log.js';
import { adminOf, checkAudit, describe, nginxProcesses, type Scene } from './scene.js';
import { tally, Traffic, type Tally } from './traffic.js';

const CALLS = 90;
const PROBES = 40;
const STOCK = 1_000;

interface Measured extends Tally {
  readonly passedOn: number;
  readonly secondPass: number;
}

/** Sends a burst and returns how many replicas answered it, once nginx has logged it all. */
async function countListed({ stack }: Scene, probe: Traffic): Promise<number> {
  const since = new Date();
  let counts: AccessCounts | undefined;
  probe.burst(PROBES);
  await probe.settle();
  const logged = async () => {
    counts = await readAccessLog(stack, since);
    return [...counts.byReplica.values()].reduce((sum, count) => sum + count, 0) >= PROBES;
  };
  await waitUntil(logged, { what: 'nginx has written its access log', timeoutMs: 10_000, intervalMs: 200 });
  return counts!.byReplica.size;
}

/** Waits until nginx spreads calls over exactly `count` replicas. */
async function untilListed(scene: Scene, couponId: number, count: number): Promise<void> {
  const probe = new Traffic(scene.stack.frontUrl, couponId, `probe-${Date.now()}`);
  const listed = async () => (await countListed(scene, probe)) === count;
  try {
    await waitUntil(listed, { what: `nginx uses ${count} replicas`, timeoutMs: 30_000, intervalMs: 200 });
  } finally {
    await probe.stop();
  }
}

/**
 * The hole of nginx/nginx#1656: calls wait for a replica that hangs, the list of replicas changes under them, and only
 * then they have to be passed on. Three replicas: one is stopped, one hangs, and the stopped one comes back.
 */
async function changeListUnderWaitingCalls(scene: Scene, title: string): Promise<Measured> {
  const { stack } = scene;
  const couponId = await adminOf(scene).createCampaign(title, STOCK);
  const probeId = await adminOf(scene).createCampaign(`${title}, probes`, STOCK * 100);
  const [hanging, , returning] = await stack.containers('api');
  await stopContainer(returning!.id);
  await untilListed(scene, probeId, 2);
  const traffic = new Traffic(stack.frontUrl, couponId, 'waiting');
  const since = new Date();
  await pauseContainer(hanging!.id);
  try {
    traffic.burst(CALLS);
    await startContainer(returning!.id);
    await traffic.settle();
  } finally {
    await unpauseContainer(hanging!.id);
    await traffic.stop();
  }
  await untilListed(scene, probeId, 3);
  const { passedOn, secondPass } = await readAccessLog(stack, since);
  await checkAudit(scene, traffic, title);
  return { ...tally(traffic.attempts), passedOn, secondPass };
}

/** As nginx is without `@issue_again`: only in this container, by its rendered configuration. */
async function takeSecondPassAway(scene: Scene): Promise<void> {
  const { stack } = scene;
  const before = await nginxProcesses(scene);
  const file = '/etc/nginx/rendered/front.conf';
  const script = `sed '/error_page 502 504 = @issue_again/d' ${file} >/tmp/front.conf && cat /tmp/front.conf >${file}`;
  await stack.compose(['exec', '-T', 'nginx', 'sh', '-c', script]);
  await killContainer((await stack.containers('nginx'))[0]!.id, 'HUP');
  const reloaded = async () => {
    const now = await nginxProcesses(scene);
    return now !== before && now.split(' ').length === before.split(' ').length;
  };
  await waitUntil(reloaded, { what: 'nginx is reloaded', timeoutMs: 30_000, intervalMs: 250 });
}

const report = (measured: Measured): string =>
  `${describe(measured)}; ${measured.passedOn} passed on, ${measured.secondPass} in a second pass`;

/** With the second pass no call fails; the same without it shows that the test would notice. */
export async function measureSecondPass(scene: Scene): Promise<void> {
  const { stack, checks, print } = scene;
  await stack.scale(3);
  const withIt = await changeListUnderWaitingCalls(scene, 'with the second pass');
  checks.check(
    'no failed answer while the list of replicas changes under waiting calls',
    withIt.issued === withIt.sent && withIt.secondPass > 0,
    report(withIt),
  );
  await takeSecondPassAway(scene);
  const without = await changeListUnderWaitingCalls(scene, 'without the second pass');
  checks.check('the same without the second pass does fail', without.issued < without.sent, report(without));
  print('  (the difference is nginx/nginx#1656)');
}
