import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import getPort from 'get-port';
import { instanceFolder } from '../../../common/paths.js';
import { readStartTime } from '../../../common/processes.js';
import { requirePrograms } from '../../../stack/install.js';
import { ManagedService } from '../../../stack/native/managed-service.js';
import { openNativeStack } from '../../../stack/native/native-stack.js';
import { nginxBaseline } from '../../nginx-baseline.js';

const name = `baseline-${process.pid}`;
const folder = instanceFolder(name);
const local = { host: '127.0.0.1' };

describe('the nginx of the baselines', () => {
  let echo: Server;
  let nginx: ManagedService;
  let returnPort: number;
  let proxyPort: number;

  beforeAll(async () => {
    echo = createServer((req, res) => res.end(req.headers['x-user-id']));
    await new Promise<void>((resolve) => echo.listen(0, local.host, resolve));
    const { port: echoPort } = echo.address() as AddressInfo;
    [returnPort, proxyPort] = [await getPort(local), await getPort(local)];
    const { nginx: program } = await requirePrograms();
    const options = {
      program,
      folder: join(folder, 'nginx-baseline'),
      returnPort,
      proxy: { port: proxyPort, toPort: echoPort },
    };
    nginx = new ManagedService(nginxBaseline(options), folder, () => undefined);
    await nginx.start();
  });

  afterAll(async () => {
    await nginx.stop();
    await new Promise((resolve) => echo.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  const call = async (port: number) => {
    const url = `http://127.0.0.1:${port}/api/v1/coupons/call/1`;
    const answer = await fetch(url, { method: 'POST', headers: { 'x-user-id': 'alice' } });
    return [answer.status, await answer.text()];
  };

  it('answers every issue call by itself, and says that the campaign is open, which the k6 script asks', async () => {
    expect(await call(returnPort)).toEqual([200, expect.stringContaining('"couponId":1')]);
    const campaign = await fetch(`http://127.0.0.1:${returnPort}/api/v1/coupons/17`);
    expect(await campaign.json()).toEqual({ state: 'open' });
  });

  it('passes every issue call to the echo on its other port', async () => {
    expect(await call(proxyPort)).toEqual([200, 'alice']);
  });

  it('is ended with the stack of its instance, by a command that has never heard of it', async () => {
    const { pid } = nginx;
    const stack = await openNativeStack({ name });
    expect(await stack.status()).toMatchObject([{ service: 'nginx-baseline', state: 'running', pid }]);
    await stack.down();
    expect(readStartTime(pid!)).toBeUndefined();
    await expect(call(returnPort)).rejects.toThrow();
  });
});
