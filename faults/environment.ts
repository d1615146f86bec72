import { AdminClient, waitUntilDrained } from '../loadtest/admin-client.js';
import { readFacts, type Facts } from '../loadtest/facts.js';
import { openStack } from '../stack/open-stack.js';
import type { Service, Stack, StackMode } from '../stack/types.js';
import { OperatorCalls, type OperatorOperation } from './operator-calls.js';

export const INSTANCE = 'faults';

/** Short, so that a stopped worker's entries are claimed within the time a scenario may take. */
export const CLAIM_IDLE_MS = 3_000;

/** So much memory that stocks which no scenario uses up are admitted; replicas without a cap. */
const BASE_ENV = { CLAIM_IDLE_MS: String(CLAIM_IDLE_MS), REDIS_MAXMEMORY: '8gb', API_CPUS: '0' };
const DRAIN_WITHIN_MS = 90_000;

export interface Shape {
  api: number;
  worker: number;
  /** Above the environment of every program. */
  env: Readonly<Record<string, string>>;
}

/** The stack under test, with data and ports of its own. */
export class TestEnvironment {
  #stack: Stack;
  #env = '{}';
  /** What the operator did in the scenario that runs. */
  readonly operations: OperatorOperation[] = [];

  private constructor(
    stack: Stack,
    readonly mode: StackMode,
    private readonly print: (line: string) => void,
  ) {
    this.#stack = stack;
  }

  static async open(mode: StackMode, print: (line: string) => void): Promise<TestEnvironment> {
    return new TestEnvironment(await openInstance(mode, {}, print), mode, print);
  }

  get stack(): Stack {
    return this.#stack;
  }

  get admin(): AdminClient {
    return new AdminClient(this.#stack);
  }

  get operator(): OperatorCalls {
    return new OperatorCalls(this.#stack, this.operations);
  }

  service(name: string): Promise<Service> {
    return this.#stack.service(name);
  }

  /** Brings the stack into this shape. Another environment needs every program to be started again. */
  async reshape({ api, worker, env }: Shape): Promise<void> {
    const wanted = JSON.stringify(env);
    if (wanted !== this.#env) {
      await this.#stack.down();
      this.#stack = await openInstance(this.mode, env, this.print);
      this.#env = wanted;
    }
    await this.#stack.up({ api, worker });
  }

  /** Everything stops. Of containers nothing is left: they would keep disks of an engine busy that others use. */
  async end(): Promise<void> {
    if (this.#stack.mode === 'compose') await this.#stack.destroy();
    else await this.#stack.down();
  }

  /** Milliseconds until everything issued was in MySQL; null: not in time. */
  async waitUntilDrained(couponId: number): Promise<number | null> {
    const from = Date.now();
    const done = await waitUntilDrained(() => this.admin.statistics(couponId), DRAIN_WITHIN_MS).catch(
      () => false,
    );
    return done ? Date.now() - from : null;
  }

  readFacts(couponId: number): Promise<Facts> {
    return readFacts(this.#stack, couponId);
  }
}

const openInstance = (
  mode: StackMode,
  env: Shape['env'],
  onProgress: (line: string) => void,
): Promise<Stack> => openStack({ mode, name: INSTANCE, env: { ...BASE_ENV, ...env }, onProgress });
