import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { readCommand, readSockets } from '../../common/processes.js';

/** Whether a server could listen there now. */
export function isFree(port: number, host = '0.0.0.0'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function listeningInodes(port: number): Set<string> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readFileSync(table, 'utf8').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      const [local, state, inode] = [fields[1], fields[3], fields[9]];
      if (local?.endsWith(`:${hexPort}`) && state === '0A' && inode) inodes.add(inode);
    }
  }
  return inodes;
}

/** Who listens there, for an error message: pid and command, or undefined where the system does not tell. */
export function portOwner(port: number): string | undefined {
  try {
    const inodes = listeningInodes(port);
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    const owner = pids.find((pid) => {
      try {
        return readSockets(Number(pid)).some((inode) => inodes.has(inode));
      } catch {
        return false;
      }
    });
    return owner && `process ${owner} (${readCommand(Number(owner)).slice(0, 80)})`;
  } catch {
    return undefined;
  }
}
