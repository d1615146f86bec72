import type { Redis } from 'ioredis';
import { groupProcesses } from '../../common/cpu-time.js';
import { AdminClient } from '../../loadtest/admin-client.js';
import type { NativeService } from '../../stack/types.js';
import { Users, type Subject } from '../subject.js';
import { createCampaign, untilDrained } from './campaigns.js';
import type { Servers } from './servers.js';

/** The whole service behind its front door. Its worker sleeps unless somebody wakes it. */
export interface System {
  readonly firstReplicaUrl: string;
  readonly admin: AdminClient;
  readonly redis: Redis;
  readonly worker: NativeService;
  /** A campaign with more stock than a run can issue. */
  readonly couponId: number;
  readonly subjects: readonly Subject[];
}

/** Its subjects have the worker writing to MySQL meanwhile; CPU is counted until everything is there. */
export async function prepareSystem(servers: Servers): Promise<System> {
  const { stack } = servers;
  // Behind: redis, worker, database.
  const { nginx = [], api = [], ...behind } = groupProcesses(await stack.status());
  const admin = new AdminClient(stack);
  const worker = await servers.service('worker-1');
  await worker.freeze();
  const first = await servers.service('api-1');
  const firstReplicaUrl = `http://127.0.0.1:${first.port}`;
  const redis = servers.connectRedis((await servers.service('redis')).port);
  const couponId = await createCampaign(admin);
  const common = {
    kind: 'service',
    users: new Users(couponId),
    burst: 'full',
    begin: () => worker.thaw(),
    settle: () => untilDrained(redis, couponId),
    end: () => worker.freeze(),
  } as const;
  const subjects = [
    {
      ...common,
      id: 'issue-draining',
      what: 'one replica, worker writing to MySQL',
      url: firstReplicaUrl,
      processes: { api: [first.pid!], ...behind },
    },
    {
      ...common,
      id: 'system',
      what: `front door, ${api.length} replicas, worker writing`,
      url: stack.frontUrl,
      processes: { nginx, api, ...behind },
    },
  ];
  return { firstReplicaUrl, admin, redis, worker, couponId, subjects };
}
