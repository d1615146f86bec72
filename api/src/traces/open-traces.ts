import { type Tracer } from '@opentelemetry/api';
import type { TracesConfig } from '../config.js';
import type { Logger } from '../logger.js';

export interface Traces {
  tracer: Tracer;
  /** Sends what is left, for two seconds at most. */
  close: () => Promise<void>;
}

/**
 * Null unless OTEL_EXPORTER_OTLP_ENDPOINT is set. OpenTelemetry's SDK is loaded only then: whoever wants no traces pays
 * nothing for them.
 */
export async function openTraces(
  config: TracesConfig,
  service: string,
  logger: Logger,
): Promise<Traces | null> {
  if (config.OTEL_EXPORTER_OTLP_ENDPOINT === undefined) return null;
  const { startExport } = await import('./export.js');
  return startExport(config.OTEL_EXPORTER_OTLP_ENDPOINT, service, logger);
}
