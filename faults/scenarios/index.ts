import type { FaultScenario } from '../scenario.js';
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
import { listChanges } from './second-pass.js';
import { workerFrozen, workerKilled } from './workers.js';

/** All scenarios, in the order of their numbers. */
export const SCENARIOS: readonly FaultScenario[] = [
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
  listChanges,
].toSorted((a, b) => a.number - b.number);
