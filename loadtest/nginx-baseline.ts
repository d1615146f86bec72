import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openFileLimit } from '../common/open-file-limit.js';
import { httpStatus } from '../stack/native/http-status.js';
import { plainEnvironment, type ServiceSpec } from '../stack/native/service-spec.js';

interface NginxBaseline {
  readonly program: string;
  readonly folder: string;
  /** Answers everything itself. */
  readonly returnPort: number;
  /** Passes everything to a server behind it. */
  readonly proxy?: { readonly port: number; readonly toPort: number };
}

const ANSWER = '{"couponId":1,"userId":"10000001","rank":10001,"issuedAt":"2026-01-01T00:00:00.000Z"}';

const proxyConfiguration = ({ port, toPort }: { port: number; toPort: number }): string => `\
  upstream echo {
    server 127.0.0.1:${toPort};
    keepalive 512;
    keepalive_requests 10000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=65535 reuseport;
    location / {
      proxy_pass http://echo;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
`;

/** No log, no limits, no added headers: the least an nginx with two workers can do. */
const configuration = ({ folder, returnPort, proxy }: NginxBaseline): string => `\
worker_processes 2;
worker_rlimit_nofile ${openFileLimit()};
pid ${join(folder, 'nginx.pid')};
error_log ${join(folder, 'error.log')} warn;
events {
  worker_connections ${Math.min(16_384, openFileLimit() - 200)};
  multi_accept on;
}
http {
  access_log off;
  default_type application/json;
  keepalive_requests 10000000;
${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `  ${kind}_temp_path ${join(folder, kind)};`).join('\n')}
  server {
    listen 127.0.0.1:${returnPort} backlog=65535 reuseport;
    location / { return 200 '${ANSWER}'; }
    # What the k6 script's setup asks.
    location ~ ^/api/v1/coupons/[0-9]+$ { return 200 '{"state":"open"}'; }
  }
${proxy ? proxyConfiguration(proxy) : ''}}
`;

/** Listens as the front door does. */
export function nginxBaseline(options: NginxBaseline): ServiceSpec {
  const file = join(options.folder, 'nginx.conf');
  return {
    name: 'nginx-baseline',
    port: options.returnPort,
    command: options.program,
    args: ['-e', 'stderr', '-c', file, '-g', 'daemon off;'],
    env: plainEnvironment(),
    prepare: async () => {
      mkdirSync(options.folder, { recursive: true });
      writeFileSync(file, configuration(options));
    },
    isReady: async () => (await httpStatus(`http://127.0.0.1:${options.returnPort}/`)) === 200,
    readyTimeoutMs: 15_000,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
  };
}
