import { createServer, IncomingMessage, ServerResponse, type Server, type ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import express, { type Express } from 'express';
import type { Listener } from './listener.js';
import { rawProblem, type ProblemCode } from './problem.js';

/** nginx closes its idle upstream connections after 60 s; Node must be the later one, else idle-close races become 502s. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;

/** Largest header block, in bytes; beyond it the answer is 431. More than nginx lets through, plus what it adds. */
const MAX_HEADER_BYTES = 16_384;

/** How long a connection that cannot go on may take for its last answer. Longer than Redis may take to decide. */
const REFUSED_LINGER_MS = 2_000;

/** The keys under which the router keeps notes on a request: found by having one routed, they are not exported. */
function routerSymbols(): symbol[] {
  const probe = { url: '/', method: 'GET' };
  const router = express.Router();
  router.get('/', () => undefined);
  router(probe as express.Request, {} as express.Response, () => undefined);
  return Object.getOwnPropertySymbols(probe);
}

/**
 * Express calls `Object.setPrototypeOf` on every request and response, which throws V8 out of its fast paths. Here the
 * prototypes of the constructors *are* the ones Express wants, so that the call changes nothing.
 *
 * The fields are those that Express and its router add to each object. Declared here they are part of the object from its
 * birth; added later, each third one would copy a growing property array (measured: 17 KB a request became 9 KB).
 */
function presetPrototypes(app: Express): Pick<ServerOptions, 'IncomingMessage' | 'ServerResponse'> {
  const symbols = routerSymbols();
  class PresetRequest extends IncomingMessage {
    res: unknown = undefined;
    next: unknown = undefined;
    baseUrl = '';
    originalUrl: string | undefined = undefined;
    _parsedUrl: unknown = undefined;
    params: unknown = undefined;
    route: unknown = undefined;

    constructor(socket: Socket) {
      super(socket);
      for (const symbol of symbols) (this as Record<symbol, unknown>)[symbol] = undefined;
    }
  }
  class PresetResponse extends ServerResponse<PresetRequest> {
    /** Express would make one without prototype, which V8 keeps as a dictionary. */
    locals: Record<string, unknown> = {};
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
  server.on('clientError', refuseUnreadable);
  return server;
}

const CODE_OF_FAULT: Record<string, ProblemCode> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
};

/**
 * Node's parser gave up on what a client sends. If that is a request that did not begin, the answer is a problem like any
 * other. If one is being answered, its outcome may be decided already: it keeps its own answer, the last of the connection.
 */
function refuseUnreadable(fault: NodeJS.ErrnoException, socket: Duplex): void {
  const answering = (socket as { _httpMessage?: ServerResponse | null })._httpMessage;
  if (!socket.writable || fault.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  if (answering) answering.shouldKeepAlive = false;
  else socket.end(rawProblem(CODE_OF_FAULT[fault.code ?? ''] ?? 'invalid-request'));
  // Closing at once could take the answer away from a client that is still sending; never closing would leak.
  setTimeout(() => socket.destroy(), REFUSED_LINGER_MS).unref();
}

/** The answers from now on say `Connection: close`, so that nobody sends a request into a connection that ends. */
export function beginDraining(server: Server): void {
  server.maxRequestsPerSocket = 1;
}

/**
 * Takes no more connections and waits for every answer. After `withinMs` what is left is cut off: connections that never
 * sent a request count as busy, and nobody knows for how long.
 */
export async function closeServer(server: Server, listener: Listener, withinMs: number): Promise<void> {
  const closed = listener.close();
  // Ends what watches the connections; it never listened itself.
  server.close(() => undefined);
  const idle = setInterval(() => server.closeIdleConnections(), 20);
  const deadline = setTimeout(() => server.closeAllConnections(), withinMs);
  await closed;
  clearInterval(idle);
  clearTimeout(deadline);
}
