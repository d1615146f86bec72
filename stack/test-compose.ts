import { checkDoors, scaleUnderTraffic } from './compose-test/acts.js';
import { Checks } from './compose-test/checks.js';
import { checkAudit, type Scene } from './compose-test/scene.js';
import { measureSecondPass } from './compose-test/second-pass.js';
import { openComposeStack, type ComposeStack } from './compose.js';
import { engineAnswers } from './select-mode.js';

/*
 * The compose deployment for real: builds, starts, scales and breaks it under traffic, then audits. In a project of its
 * own with ports of its own, so that a running stack is not disturbed; nothing of it is left.
 */
const print = (line: string): void => console.log(line);

async function play(scene: Scene): Promise<void> {
  const { stack } = scene;
  await stack.destroy();
  await stack.up({ api: 1 });
  const { node, nginx, redis, database } = await stack.versions();
  print(`  Node ${node}, nginx ${nginx}, Redis ${redis}, ${database}`);
  await checkDoors(scene);
  const traffic = await scaleUnderTraffic(scene);
  await checkAudit(scene, traffic, 'after scaling and crashes');
  await measureSecondPass(scene);
}

async function cleanUp(stack: ComposeStack, checks: Checks): Promise<void> {
  if (!checks.allPassed) for (const service of ['api', 'worker']) await stack.logs({ service, lines: 20 });
  await stack.destroy();
}

async function main(): Promise<number> {
  if (!(await engineAnswers())) {
    print('test-compose: skipped, no Docker engine answers');
    return 0;
  }
  const checks = new Checks(print);
  const env = { API_CPUS: '0', LOG_LEVEL: 'warn' };
  const stack = await openComposeStack({ name: 'test', env, onProgress: (line) => print(`  ${line}`) });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stack.destroy().finally(() => process.exit(1)));
  }
  try {
    await play({ stack, checks, print });
  } catch (err) {
    checks.fault(err);
  }
  await cleanUp(stack, checks);
  print(`test-compose: ${checks.summary()}`);
  return checks.allPassed ? 0 : 1;
}

process.exitCode = await main();
