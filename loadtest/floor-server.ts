import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import getPort from 'get-port';
import { readOutput } from '../common/run-command.js';

export interface FloorServer {
  url: string;
  stop(): Promise<void>;
}

/**
 * An nginx on this machine that answers every issue call with a bare `return 200`: what the load generator and nginx
 * cost by themselves, with the same listening options as the front door. Throws when there is no nginx.
 */
export async function startFloorServer(files: number, signal: AbortSignal): Promise<FloorServer> {
  const program = await findNginx();
  const port = await getPort({ host: '127.0.0.1' });
  const folder = await mkdtemp(join(tmpdir(), 'floor-nginx-'));
  const config = join(folder, 'nginx.conf');
  await writeFile(config, configuration(folder, port, files));
  const errorLog = join(folder, 'error.log');
  // A process group of its own: Ctrl-C must reach it through stop(), after k6 has ended.
  const child = spawn(program, ['-p', folder, '-e', errorLog, '-c', config], {
    stdio: 'ignore',
    detached: true,
  });
  // Also when this program ends without cleaning up (a second Ctrl-C).
  const orphaned = (): void => void child.kill('SIGTERM');
  process.once('exit', orphaned);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (err) => resolve(err.message));
    child.once('exit', (status, by) => resolve(`ended with ${status ?? by}`));
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    process.removeListener('exit', orphaned);
    await rm(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await answers(url, ended, signal);
  } catch (err) {
    const said = await readFile(errorLog, 'utf8').catch(() => '');
    await stop();
    throw new Error(`the nginx of the floor does not answer: ${said}`, { cause: err });
  }
  return { url, stop };
}

async function findNginx(): Promise<string> {
  // -v writes to standard error: what counts is that the program runs.
  for (const program of ['nginx', '/usr/sbin/nginx']) {
    if ((await readOutput(program, ['-v'])) !== null) return program;
  }
  throw new Error('the floor needs nginx on this machine: apt-get install nginx-light');
}

const configuration = (folder: string, port: number, files: number): string => `
daemon off;
worker_processes 2;
worker_rlimit_nofile ${files};
pid ${folder}/nginx.pid;
events { worker_connections ${files - 100}; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port} backlog=65535 reuseport;
    location /api/v1/coupons/call/ { return 200; }
    # For the script's setup().
    location /api/v1/coupons/ { default_type application/json; return 200 '{"state":"open"}'; }
  }
}
`;

const START_TIMEOUT_MS = 10_000;

async function answers(url: string, ended: Promise<string>, signal: AbortSignal): Promise<void> {
  const gaveUp = ended.then((how) => Promise.reject(new Error(`nginx ${how}`)));
  gaveUp.catch(() => undefined);
  const deadline = Date.now() + START_TIMEOUT_MS;
  const asking = async (): Promise<void> => {
    for (;;) {
      signal.throwIfAborted();
      const response = await fetch(`${url}/api/v1/coupons/1`).catch(() => null);
      if (response?.ok) return;
      if (Date.now() > deadline) throw new Error(`no answer within ${START_TIMEOUT_MS} ms`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await Promise.race([asking(), gaveUp]);
}
