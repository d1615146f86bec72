/** Everything that can happen to the parts of a stack, by the names of its status: `api-1`, `worker-1`, `redis`, … */
export interface Actors {
  /** SIGKILL to every process of it. */
  kill(name: string): Promise<void>;
  /** Starts it unless it runs; returns when it is ready. */
  start(name: string): Promise<void>;
  /** Ends it in order, as an operator does. */
  stop(name: string): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  freeze(name: string): Promise<void>;
  thaw(name: string): Promise<void>;
}
