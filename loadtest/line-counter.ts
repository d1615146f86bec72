import { open, type FileHandle } from 'node:fs/promises';

const INTENT = '>'.charCodeAt(0);
const ANSWER = '<'.charCodeAt(0);
const NEWLINE = 10;

/** Follows a growing client log and counts its lines by their first byte, reading each byte once. */
export class LineCounter {
  asked = 0;
  answered = 0;
  #offset = 0;
  #atLineStart = true;
  readonly #buffer = Buffer.allocUnsafe(1 << 18);

  constructor(private readonly path: string) {}

  /** Counts what came since; a file that is not there yet has no lines. */
  async readOn(): Promise<void> {
    let file: FileHandle;
    try {
      file = await open(this.path, 'r');
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw err;
    }
    try {
      for (;;) {
        const { bytesRead } = await file.read(this.#buffer, 0, this.#buffer.length, this.#offset);
        if (bytesRead === 0) return;
        this.#offset += bytesRead;
        this.#count(bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  #count(length: number): void {
    for (let i = 0; i < length; i += 1) {
      const byte = this.#buffer[i];
      if (this.#atLineStart) {
        if (byte === INTENT) this.asked += 1;
        else if (byte === ANSWER) this.answered += 1;
      }
      this.#atLineStart = byte === NEWLINE;
    }
  }
}
