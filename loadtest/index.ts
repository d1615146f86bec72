/** What fault tests, comparisons and other tools use of the load tests. */
export { AdminClient, waitUntilDrained } from './admin-client.js';
export { latencyOf } from './answers.js';
export { audit, FAULTS, type Audit } from './audit.js';
export { readClientLog, type Answer, type Attempt } from './client-log.js';
export { readFacts, type Facts } from './facts.js';
export { NoK6Error, provideK6, type K6 } from './k6-binary.js';
export { openFileLimit } from './limits.js';
export { runScenario } from './run-scenario.js';
export { plan, type Plan } from './scenarios.js';
