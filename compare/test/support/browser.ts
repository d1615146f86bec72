import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { findGroupMembers } from '../../../common/processes.js';
import { waitUntil } from '../../../common/wait-until.js';

type Json = Record<string, unknown>;

interface Message extends Json {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Json;
  readonly result?: Json;
  readonly error?: { readonly message: string };
}

export interface BrowserEvent {
  readonly method: string;
  readonly params: Json;
}

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-pipe',
];

/**
 * One tab of Chromium, spoken to in its DevTools protocol over a pipe: JSON messages, each ended by a zero byte, written
 * to file descriptor 3 and read from 4. A profile of its own, removed with it.
 */
export class Browser {
  /** What the tab reported, oldest first. */
  readonly events: BrowserEvent[] = [];
  readonly #profile = mkdtempSync(join(tmpdir(), 'browser-'));
  readonly #process;
  readonly #waiting = new Map<number, { done: (message: Message) => void; failed: (fault: Error) => void }>();
  #session: string | undefined;
  #lastId = 0;

  private constructor(program: string) {
    this.#process = spawn(program, [...flags, `--user-data-dir=${this.#profile}`], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      // A group of its own: its helper processes write into the profile until they end too.
      detached: true,
    });
    // Without this a Chromium that cannot start would let its caller wait for ever.
    this.#process.once('exit', () => {
      for (const { failed } of this.#waiting.values()) failed(new Error(`${program} ended`));
    });
    this.#process.stdio[3]!.on('error', () => undefined);
    let held = '';
    (this.#process.stdio[4] as Readable).setEncoding('utf8').on('data', (chunk: string) => {
      const messages = (held + chunk).split('\0');
      held = messages.pop()!;
      for (const message of messages) this.#receive(JSON.parse(message) as Message);
    });
  }

  static async open(program: string): Promise<Browser> {
    const browser = new Browser(program);
    const { targetId } = await browser.call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await browser.call('Target.attachToTarget', { targetId, flatten: true });
    browser.#session = sessionId as string;
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await browser.call(`${domain}.enable`);
    return browser;
  }

  /** @throws with Chromium's own words when it refuses */
  async call(method: string, params: Json = {}): Promise<Json> {
    const id = (this.#lastId += 1);
    const message = { id, method, params, ...(this.#session && { sessionId: this.#session }) };
    const answer = await new Promise<Message>((done, failed) => {
      this.#waiting.set(id, { done, failed });
      (this.#process.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    });
    if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result ?? {};
  }

  /** Loads a page at that width; resolves once it is loaded and its scripts have run. */
  async show(url: string, { width, scheme }: { width: number; scheme: 'light' | 'dark' }): Promise<void> {
    this.events.length = 0;
    const features = [
      { name: 'prefers-color-scheme', value: scheme },
      { name: 'prefers-reduced-motion', value: 'reduce' },
    ];
    await this.call('Emulation.setEmulatedMedia', { features });
    await this.call('Emulation.setDeviceMetricsOverride', {
      width,
      height: 900,
      deviceScaleFactor: 1,
      mobile: false,
    });
    await this.call('Page.navigate', { url });
    await this.evaluate(
      `new Promise((resolve) => document.readyState === 'complete' ? resolve() : addEventListener('load', resolve))`,
    );
  }

  /** The value of an expression in the page, awaited. */
  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.call('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (answer['exceptionDetails']) throw new Error(JSON.stringify(answer['exceptionDetails']));
    return (answer['result'] as { value: T }).value;
  }

  async close(): Promise<void> {
    const group = this.#process.pid;
    if (group !== undefined && findGroupMembers(group).length > 0) {
      process.kill(-group, 'SIGKILL');
      const gone = () => findGroupMembers(group).length === 0;
      await waitUntil(gone, { what: 'Chromium and its helpers end', timeoutMs: 10_000 });
    }
    rmSync(this.#profile, { recursive: true, force: true });
  }

  #receive(message: Message): void {
    if (message.id !== undefined) {
      this.#waiting.get(message.id)?.done(message);
      this.#waiting.delete(message.id);
    } else if (message.method !== undefined) {
      this.events.push({ method: message.method, params: message.params ?? {} });
    }
  }
}
