/** What fault tests, comparisons and other tools use of the load tests. */
export { AdminClient, waitUntilDrained, type Statistics } from './admin-client.js';
export { latencyOf, measure, type AnswerCounts, type Latency, type Measures } from './answers.js';
export { audit, FAULTS, isClean, type Audit, type AuditInput } from './audit.js';
export { ClientLog, readClientLog, type Answer, type Attempt } from './client-log.js';
export { FactsReader, readFacts, type Facts, type Holding } from './facts.js';
export { NoK6Error, provideK6, type K6 } from './k6-binary.js';
export { runK6, type K6Result, type K6Run } from './k6-run.js';
export { openFileLimit } from './limits.js';
export type { RunResult } from './result.js';
export { runScenario } from './run-scenario.js';
export { plan, SCENARIOS, type Plan, type ScenarioName, type Sizes } from './scenarios.js';
export { withStack } from './with-stack.js';
