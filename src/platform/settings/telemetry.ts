// The settings of where traces and metrics go: an OTLP receiver, Azure Monitor, both or nowhere.
import { readCredential } from './callers.ts';
import { complete } from './complete.ts';
import type { Reader } from './reader.ts';
import type { AzureMonitorSettings, OtlpSettings, TelemetrySettings } from './types.ts';

export function readTelemetry(reader: Reader): TelemetrySettings | undefined {
  const parts = complete({ serviceName: reader.optional('OTEL_SERVICE_NAME') });
  const otlp = readOtlp(reader);
  const azureMonitor = readAzureMonitor(reader);
  return parts && { ...parts, otlp, azureMonitor };
}

function readOtlp(reader: Reader): OtlpSettings | undefined {
  // Judged only: the app speaks this one protocol.
  reader.optional('OTEL_EXPORTER_OTLP_PROTOCOL');
  const headers = reader.optional('OTEL_EXPORTER_OTLP_HEADERS');
  const wanted = reader.has('OTEL_EXPORTER_OTLP_HEADERS') || reader.has('OTEL_EXPORTER_OTLP_ENDPOINT');
  const endpoint = wanted ? reader.required('OTEL_EXPORTER_OTLP_ENDPOINT') : undefined;
  return endpoint === undefined ? undefined : { endpoint, headers: headers ?? {} };
}

function readAzureMonitor(reader: Reader): AzureMonitorSettings | undefined {
  const signIn = reader.optional('APPLICATIONINSIGHTS_AUTHENTICATION_STRING');
  const wanted =
    reader.has('APPLICATIONINSIGHTS_AUTHENTICATION_STRING') ||
    reader.has('APPLICATIONINSIGHTS_CONNECTION_STRING');
  const connectionString = wanted ? reader.required('APPLICATIONINSIGHTS_CONNECTION_STRING') : undefined;
  if (connectionString === undefined) return undefined;
  if (!signIn) return { connectionString };
  const shared = readCredential(reader);
  return { connectionString, credential: { ...shared, clientId: signIn.clientId } };
}
