import { AdminClient, waitUntilDrained } from '../loadtest/admin-client.js';
import { readFacts, type Facts } from '../loadtest/facts.js';
import type { ComposeStack } from '../stack/compose.js';
import { openStack } from '../stack/open-stack.js';
import type { Stack, StackMode } from '../stack/types.js';
import type { Actors } from './actors.js';
import { ComposeActors } from './compose-actors.js';
import { NativeActors } from './native-actors.js';
import { OperatorCalls, type OperatorOperation } from './operator-calls.js';

export const INSTANCE = 'faults';

/** Short, so that a stopped worker's entries are claimed within the time a row may take. */
export const CLAIM_IDLE_MS = 3_000;

/** So much memory that stocks which no row uses up are admitted. */
const BASE_ENV = { CLAIM_IDLE_MS: String(CLAIM_IDLE_MS), REDIS_MAXMEMORY: '8gb' };
const DRAIN_WITHIN_MS = 90_000;

export interface Shape {
  api: number;
  worker: number;
  /** Above the environment of every program. */
  env: Readonly<Record<string, string>>;
}

/** The stack under test, with data and ports of its own. */
export class World {
  #stack: Stack;
  #actors: Actors;
  #env = '{}';
  /** What the operator did in the row that is being played. */
  readonly operations: OperatorOperation[] = [];

  private constructor(
    stack: Stack,
    readonly mode: StackMode,
    private readonly print: (line: string) => void,
  ) {
    this.#stack = stack;
    this.#actors = actorsOf(stack);
  }

  static async open(mode: StackMode, print: (line: string) => void): Promise<World> {
    return new World(await openInstance(mode, {}, print), mode, print);
  }

  get stack(): Stack {
    return this.#stack;
  }

  get actors(): Actors {
    return this.#actors;
  }

  get admin(): AdminClient {
    return new AdminClient(this.#stack);
  }

  get operator(): OperatorCalls {
    return new OperatorCalls(this.#stack, this.operations);
  }

  /** Brings the stack into this shape. Another environment needs every program to be started again. */
  async take({ api, worker, env }: Shape): Promise<void> {
    const wanted = JSON.stringify(env);
    if (wanted !== this.#env) {
      await this.#stack.down();
      this.#stack = await openInstance(this.mode, env, this.print);
      this.#actors = actorsOf(this.#stack);
      this.#env = wanted;
    }
    await this.#stack.up({ api, worker });
  }

  /** Milliseconds until everything issued was in MySQL; null: not in time. */
  async drained(couponId: number): Promise<number | null> {
    const from = Date.now();
    const done = await waitUntilDrained(() => this.admin.statistics(couponId), DRAIN_WITHIN_MS).catch(
      () => false,
    );
    return done ? Date.now() - from : null;
  }

  facts(couponId: number): Promise<Facts> {
    return readFacts(this.#stack, couponId);
  }
}

const openInstance = (
  mode: StackMode,
  env: Shape['env'],
  onProgress: (line: string) => void,
): Promise<Stack> => openStack({ mode, name: INSTANCE, env: { ...BASE_ENV, ...env }, onProgress });

const actorsOf = (stack: Stack): Actors =>
  stack.mode === 'native' ? new NativeActors(stack) : new ComposeActors(stack as ComposeStack);
