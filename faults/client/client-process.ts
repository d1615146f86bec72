import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { waitUntil } from '../../common/wait-until.js';
import { readClientLog, type Attempt } from '../../loadtest/client-log.js';
import type { ClientOptions, ClientReport, ToClient } from './protocol.js';

const program = fileURLToPath(new URL('./main.js', import.meta.url));

/** The suite's side of the client. */
export class ClientProcess {
  #report: ClientReport = { began: 0, decided: 0, failedTries: 0, undecided: 0, skipped: 0, finished: false };
  readonly #child: ChildProcess;
  #ended = false;

  constructor(private readonly options: ClientOptions) {
    this.#child = fork(program, [JSON.stringify(options)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (report: ClientReport) => (this.#report = report));
    this.#child.once('exit', () => (this.#ended = true));
  }

  get report(): ClientReport {
    return this.#report;
  }

  setRate(rate: number): void {
    this.#send({ kind: 'rate', rate });
  }

  /** Waits until this many further users have a definite answer. */
  async moreDecided(count: number, timeoutMs = 60_000): Promise<void> {
    const goal = this.#report.decided + count;
    await this.#until(() => this.#report.decided >= goal, `${count} more users have their answer`, timeoutMs);
  }

  /** Waits until so many users wait for their answer. */
  async untilWaiting(count: number, timeoutMs = 10_000): Promise<void> {
    const waiting = () => this.#report.began - this.#report.decided >= count;
    await this.#until(waiting, `${count} users wait`, timeoutMs);
  }

  /** Waits until nobody is waiting for an answer: only with a rate of 0. */
  async untilNobodyWaits(timeoutMs = 60_000): Promise<void> {
    const quiet = () => this.#report.decided === this.#report.began;
    await this.#until(quiet, 'every user has its answer', timeoutMs);
  }

  /** No more users; those that wait go on until they know. Returns every try there was. */
  async finish(timeoutMs = 120_000): Promise<Attempt[]> {
    this.#send({ kind: 'finish' });
    await waitUntil(() => this.#ended, { what: 'the client ends', timeoutMs });
    if (!this.#report.finished) throw new Error('the client ended before its users had their answers');
    return await readClientLog(this.options.logFile);
  }

  /** After a failure of the suite. */
  kill(): void {
    if (!this.#ended) this.#child.kill('SIGKILL');
  }

  async #until(condition: () => boolean, what: string, timeoutMs: number): Promise<void> {
    await waitUntil(
      () => {
        if (this.#ended) throw new Error('the client has ended');
        return condition();
      },
      { what, timeoutMs, intervalMs: 20 },
    );
  }

  #send(message: ToClient): void {
    if (!this.#ended) this.#child.send(message);
  }
}
