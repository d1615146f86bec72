import { mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { openFileLimit } from '../common/open-file-limit.js';
import { projectRoot } from '../common/paths.js';
import { readOutput, run } from '../common/run-command.js';
import { findGo, installGo } from './go-toolchain.js';

/** How to start k6. Paths mean the same inside and outside: a container gets the project mounted at its own place. */
export interface K6 {
  command: string;
  /** Before k6's own arguments. */
  args: string[];
  version: string;
  from: 'PATH' | '.tools' | 'built' | 'image';
}

export interface ProvideOptions {
  env?: NodeJS.ProcessEnv;
  onProgress: (line: string) => void;
  signal?: AbortSignal | undefined;
}

export class NoK6Error extends Error {
  override readonly name = 'NoK6Error';
}

const BUILD_FOLDER = join(projectRoot, 'loadtest', 'k6-build');
const BUILD_TIMEOUT_MS = 15 * 60_000;
const PINNED = /^require go\.k6\.io\/k6\/v2 v(\S+)$/m;

const majorOf = (version: string): string => version.split('.')[0] ?? '';

/** The version in loadtest/k6-build/go.mod, which the image has too: `2.2.0`. */
async function pinnedVersion(): Promise<string> {
  const version = PINNED.exec(await readFile(join(BUILD_FOLDER, 'go.mod'), 'utf8'))?.[1];
  if (!version) throw new Error(`${BUILD_FOLDER}/go.mod does not name a version of k6`);
  return version;
}

/**
 * The first of: k6 on the PATH with the pinned major version, the one built before, a new build where there is Go, the
 * image where a Docker engine answers, a new build with a Go of the project's own. Throws `NoK6Error`, saying what to
 * install, when there is none of them.
 */
export async function provideK6(options: ProvideOptions): Promise<K6> {
  const { env = process.env, onProgress, signal } = options;
  const pinned = await pinnedVersion();
  const built = join(projectRoot, '.tools', 'k6');
  const onPath = await versionOf('k6', env);
  if (onPath && majorOf(onPath) === majorOf(pinned))
    return { command: 'k6', args: [], version: onPath, from: 'PATH' };
  if (onPath) onProgress(`k6 ${onPath} on the PATH is of another major version than ${pinned}: not used`);
  const earlier = await versionOf(built, env);
  if (earlier === pinned) return { command: built, args: [], version: pinned, from: '.tools' };
  const go = await findGo(env);
  if (go) return build(go, built, pinned, options);
  signal?.throwIfAborted();
  if ((await readOutput('docker', ['version', '--format', '{{.Server.Version}}'], { env })) !== null) {
    return { command: 'docker', args: imageArgs(pinned), version: pinned, from: 'image' };
  }
  const installed = await installGo(options);
  if (installed) return build(installed, built, pinned, options);
  throw new NoK6Error(
    `k6 ${pinned} cannot be had: it is not on the PATH, there is no Go 1.25 or newer that could build it and no Docker ` +
      'engine that could run its image. Install one of them: https://grafana.com/docs/k6/latest/set-up/install-k6/',
  );
}

async function versionOf(command: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  const text = await readOutput(command, ['version'], { env });
  return /\bv(\d+\.\d+\.\d+\S*)/.exec(text ?? '')?.[1] ?? null;
}

/** Throws `NoK6Error` when the build fails. */
async function build(go: string, target: string, version: string, options: ProvideOptions): Promise<K6> {
  const { env = process.env, onProgress, signal } = options;
  onProgress(`Building k6 ${version} with Go, once: this takes some minutes.`);
  const started = Date.now();
  const ticking = setInterval(() => {
    onProgress(`  still building k6 (${Math.round((Date.now() - started) / 1_000)} s)`);
  }, 15_000);
  await mkdir(join(projectRoot, '.tools'), { recursive: true });
  const unfinished = `${target}.${process.pid}.tmp`;
  try {
    await run(go, ['build', '-mod=readonly', '-trimpath', '-o', unfinished, 'go.k6.io/k6/v2'], {
      cwd: BUILD_FOLDER,
      env,
      timeout: BUILD_TIMEOUT_MS,
      signal,
      maxBuffer: 1 << 24,
    });
    await rename(unfinished, target);
  } catch (err) {
    signal?.throwIfAborted();
    const said = (err as { stderr?: string }).stderr?.trim().split('\n').slice(-5).join('\n') ?? '';
    throw new NoK6Error(`k6 ${version} could not be built with ${go}:\n${said}`, { cause: err });
  } finally {
    clearInterval(ticking);
  }
  onProgress(`Built k6 ${version} in ${Math.round((Date.now() - started) / 1_000)} s.`);
  return { command: target, args: [], version, from: 'built' };
}

/** In the host's network, so that `localhost` is this machine, and as this user, so that the results belong to it. */
function imageArgs(version: string): string[] {
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  const mount = ['-v', `${projectRoot}:${projectRoot}`, '-w', projectRoot, '-u', user];
  const files = String(Number.isFinite(openFileLimit()) ? openFileLimit() : 1_048_576);
  const limits = ['--network', 'host', '--ulimit', `nofile=${files}:${files}`];
  // Handed on by name: the value is in k6's environment, not in the arguments.
  const login = ['K6_INFLUXDB_USERNAME', 'K6_INFLUXDB_PASSWORD'].flatMap((name) => ['--env', name]);
  return ['run', '--rm', '--init', ...login, ...limits, ...mount, `grafana/k6:${version}`];
}
