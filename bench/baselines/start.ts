import { join } from 'node:path';
import { nginxBaseline } from '../../loadtest/nginx-baseline.js';
import { requirePrograms } from '../../stack/install.js';
import { Users, type Subject } from '../subject.js';
import type { Servers } from '../system/servers.js';

/** The least that a server must do to answer. */
export async function startBaselines(servers: Servers, couponId: number): Promise<Subject[]> {
  const echo = await servers.startNode('node-echo', 'baselines/node-echo', {});
  const { nginx: program } = await requirePrograms();
  const folder = join(servers.folder, 'nginx-baseline');
  const returnPort = await servers.assignPort('nginx-return');
  const proxyPort = await servers.assignPort('nginx-proxy');
  const server = await servers.start(
    nginxBaseline({ program, folder, returnPort, proxy: { port: proxyPort, toPort: echo.port } }),
  );
  const [nginx, node] = [[server.pid!], [echo.pid!]];
  const define = (id: string, what: string, port: number, processes: Subject['processes']): Subject => {
    const url = `http://127.0.0.1:${port}`;
    return { id, what, kind: 'baseline', url, processes, users: new Users(couponId), burst: 'full' };
  };
  return [
    define('nginx-return', 'nginx return 200', returnPort, { nginx }),
    { ...define('node-echo', 'bare node:http echo', echo.port, { node }), burst: 'always' },
    define('nginx-node-echo', 'nginx → bare node:http echo', proxyPort, { nginx, node }),
  ];
}
