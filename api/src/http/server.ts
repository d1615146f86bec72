import { createServer, IncomingMessage, ServerResponse, type Server, type ServerOptions } from 'node:http';
import express, { type Express } from 'express';

/** nginx closes its idle upstream connections after 60 s; Node must be the later one, else idle-close races become 502s. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;

/** Largest header block, in bytes; beyond it Node answers 431. */
const MAX_HEADER_BYTES = 8_192;

/**
 * Express calls `Object.setPrototypeOf` on every request and response, which throws V8 out of its fast paths. Here the
 * prototypes of the constructors *are* the ones Express wants, so that the call changes nothing.
 *
 * The fields are those that Express and its router add to each object. Declared here they are part of the object from its
 * birth; added later, each third one would copy a growing property array (measured: 17 KB a request became 9 KB).
 */
function presetPrototypes(app: Express): Pick<ServerOptions, 'IncomingMessage' | 'ServerResponse'> {
  class PresetRequest extends IncomingMessage {
    res: unknown = undefined;
    next: unknown = undefined;
    baseUrl = '';
    originalUrl: string | undefined = undefined;
    _parsedUrl: unknown = undefined;
    params: unknown = undefined;
    route: unknown = undefined;
  }
  class PresetResponse extends ServerResponse<PresetRequest> {
    locals: unknown = undefined;
  }
  const owner = { value: app, configurable: true, enumerable: true, writable: true };
  app.request = Object.defineProperty(
    Object.setPrototypeOf(PresetRequest.prototype, express.request),
    'app',
    owner,
  );
  app.response = Object.defineProperty(
    Object.setPrototypeOf(PresetResponse.prototype, express.response),
    'app',
    owner,
  );
  return {
    IncomingMessage: PresetRequest,
    ServerResponse: PresetResponse as unknown as typeof ServerResponse,
  };
}

export function createHttpServer(app: Express): Server {
  const options: ServerOptions = { ...presetPrototypes(app), maxHeaderSize: MAX_HEADER_BYTES };
  const server = createServer(options, app);
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  server.headersTimeout = 10_000;
  server.requestTimeout = 15_000;
  return server;
}

/** `backlog`: with Node's default of 511 a burst of connections is dropped by the kernel, not answered. */
export function listen(
  server: Server,
  address: { host: string; port: number; backlog: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
