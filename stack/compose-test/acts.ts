import { waitUntil } from '../../common/wait-until.js';
import { killContainer, startContainer, stopContainer, type Container } from '../compose/containers.js';
import { adminOf, moreAnswers, nginxProcesses, underTraffic, untilUsed, type Scene } from './scene.js';
import { Traffic } from './traffic.js';

const STOCK = 200_000;
const CALLS_PER_SECOND = 150;

async function untilHealthy({ stack }: Scene, id: string): Promise<void> {
  const healthy = async () =>
    (await stack.containers()).find((container) => container.id === id)?.health === 'healthy';
  await waitUntil(healthy, {
    what: `container ${id.slice(0, 12)} is healthy`,
    timeoutMs: 60_000,
    intervalMs: 250,
  });
}

/** Only nginx can be reached from this machine, the admin API only through the ops door, the stores not at all. */
export async function checkDoors({ stack, checks }: Scene): Promise<void> {
  const coupon = await fetch(`${stack.frontUrl}/api/v1/coupons/1`);
  const { total, state } = (await coupon.json()) as { total?: number; state?: string };
  checks.check(
    'a fresh stack has coupon 1, open, with 10,000',
    coupon.ok && total === 10_000 && state === 'open',
  );
  const closed = ['/api/v1/admin/coupons', '/metrics', '/readyz', '/livez', '/stub_status'];
  const headers = { authorization: `Bearer ${stack.adminToken}` };
  const statuses = await Promise.all(
    closed.map(async (path) => (await fetch(`${stack.frontUrl}${path}`, { headers })).status),
  );
  checks.check(
    'admin and metrics are not behind the front door',
    statuses.every((status) => status === 404),
    statuses.join(' '),
  );
  const published = (await stack.containers())
    .filter(({ ports }) => ports.size > 0)
    .map(({ service }) => service);
  checks.check('nothing but nginx is published', published.join() === 'nginx', published.join());
}

async function killOne({ stack }: Scene, victim: Container, traffic: Traffic): Promise<void> {
  await moreAnswers(traffic, CALLS_PER_SECOND);
  await killContainer(victim.id);
  await moreAnswers(traffic, CALLS_PER_SECOND * 2);
  await startContainer(victim.id);
  await untilHealthy({ stack } as Scene, victim.id);
  await moreAnswers(traffic, CALLS_PER_SECOND);
}

async function restartEach(scene: Scene): Promise<void> {
  for (const { id } of await scene.stack.containers('api')) {
    await stopContainer(id);
    await startContainer(id);
    await untilHealthy(scene, id);
  }
}

async function killWorker(scene: Scene, traffic: Traffic): Promise<void> {
  const [worker] = await scene.stack.containers('worker');
  await killContainer(worker!.id);
  await moreAnswers(traffic, CALLS_PER_SECOND);
  await startContainer(worker!.id);
}

/** 1 → 4 → 2 replicas, a crash, a rolling restart and a crash of the worker, all under one steady stream of users. */
export async function scaleUnderTraffic(scene: Scene): Promise<Traffic> {
  const { stack, checks } = scene;
  const couponId = await adminOf(scene).createCampaign('compose test', STOCK);
  const before = await nginxProcesses(scene);
  const traffic = new Traffic(stack.frontUrl, couponId, 'scale');
  traffic.start(CALLS_PER_SECOND);
  try {
    await underTraffic(scene, traffic, 'one replica', () => moreAnswers(traffic, CALLS_PER_SECOND * 2));
    await underTraffic(scene, traffic, 'scaling 1 → 4', async () => {
      await stack.scale(4);
      await untilUsed(scene, 4);
    });
    const victim = (await stack.containers('api'))[1]!;
    await underTraffic(scene, traffic, 'one of 4 replicas is killed and comes back', () =>
      killOne(scene, victim, traffic),
    );
    await underTraffic(scene, traffic, 'each of 4 replicas is restarted in turn', () => restartEach(scene));
    await untilUsed(scene, 4);
    await underTraffic(scene, traffic, 'the worker is killed and comes back', () =>
      killWorker(scene, traffic),
    );
    await underTraffic(scene, traffic, 'scaling 4 → 2', async () => {
      await stack.scale(2);
      await moreAnswers(traffic, CALLS_PER_SECOND * 2);
    });
    await untilUsed(scene, 2);
  } finally {
    await traffic.stop();
  }
  checks.check('nginx was never reloaded', (await nginxProcesses(scene)) === before, `processes ${before}`);
  return traffic;
}
