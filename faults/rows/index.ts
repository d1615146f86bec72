import type { RowPlan } from '../row.js';
import { stockRaisedAndClosed } from './campaign.js';
import { databaseAway, databaseKilled } from './database.js';
import { everythingKilled } from './everything.js';
import { primaryLost } from './failover.js';
import { primaryCutOff, primaryDiskLost, primaryKilled } from './high-availability.js';
import { nginxKilled } from './front-door.js';
import { badNetwork } from './network.js';
import { overloadWithKills } from './overload.js';
import { poison } from './poison.js';
import { redisFull, redisStale } from './redis-data.js';
import { redisFrozen, redisKilled, redisWiped } from './redis.js';
import { allButOneKilled, oneReplicaKilled, rollingRestart, scaling } from './replicas.js';
import { workerFrozen, workerKilled } from './workers.js';

/** All rows, in the order of their numbers. */
export const ROWS: readonly RowPlan[] = [
  oneReplicaKilled,
  allButOneKilled,
  rollingRestart,
  scaling,
  redisKilled,
  redisFrozen,
  redisWiped,
  primaryLost,
  databaseKilled,
  databaseAway,
  workerKilled,
  workerFrozen,
  nginxKilled,
  badNetwork,
  poison,
  stockRaisedAndClosed,
  everythingKilled,
  primaryKilled,
  primaryCutOff,
  primaryDiskLost,
  redisStale,
  redisFull,
  overloadWithKills,
].toSorted((a, b) => a.number - b.number);
