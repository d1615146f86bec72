import { setTimeout as sleep } from 'node:timers/promises';
import { hostname } from 'node:os';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { LogThrottle } from '../log-throttle.js';
import type { Logger } from '../logger.js';
import type { Traces } from './open-traces.js';

/** Of a program that closes, the collector may take as long; what it has not taken by then is lost. */
const CLOSE_WITHIN_MS = 2_000;
/** Spans that wait to be sent: the calls of one rush, each with its share of the rest. More are dropped. */
const QUEUE_MAX = 20_000;
const LOG_INTERVAL_MS = 10_000;

/** A collector that is away fails every batch. */
function logFaults(logger: Logger): void {
  const throttle = new LogThrottle(LOG_INTERVAL_MS);
  const warn = (reason: string) => {
    const leftOut = throttle.pass(performance.now());
    if (leftOut !== null) logger.warn({ reason, leftOut }, 'traces are not sent');
  };
  const ignore = () => undefined;
  diag.setLogger(
    { error: warn, warn, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

/** `endpoint`: of a collector, OTLP over HTTP. Further settings are those of OpenTelemetry (OTEL_EXPORTER_OTLP_HEADERS, …). */
export function startExport(endpoint: string, service: string, logger: Logger): Traces {
  logFaults(logger);
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
    timeoutMillis: CLOSE_WITHIN_MS,
  });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.namespace': 'coupon-rush',
      'service.name': service,
      'service.instance.id': `${hostname()}-${process.pid}`,
    }),
    spanProcessors: [new BatchSpanProcessor(exporter, { maxQueueSize: QUEUE_MAX })],
  });
  // Also makes W3C's the way to hand a trace on, and AsyncLocalStorage that of keeping one.
  provider.register();
  return {
    tracer: provider.getTracer('coupon-rush'),
    close: async () => {
      await Promise.race([provider.shutdown(), sleep(CLOSE_WITHIN_MS, undefined, { ref: false })]);
    },
  };
}
