// Azure Monitor's own exporters, a file of their own because they take three times as long to load as everything else here.
import type { TokenCredential } from '@azure/core-auth';
import { AzureMonitorMetricExporter, AzureMonitorTraceExporter } from '@azure/monitor-opentelemetry-exporter';
import type { AzureMonitorSettings } from '../platform/settings/types.ts';

/** Contacts nothing yet. */
export function createAzureMonitor(
  { connectionString }: AzureMonitorSettings,
  credential: TokenCredential | undefined,
): { readonly traces: AzureMonitorTraceExporter; readonly metrics: AzureMonitorMetricExporter } {
  const options = {
    connectionString: connectionString.reveal(),
    // What could not be sent is lost: nothing of a patient's app lies about on a disk.
    disableOfflineStorage: true,
    ...(credential ? { credential } : {}),
  };
  return {
    traces: new AzureMonitorTraceExporter(options),
    metrics: new AzureMonitorMetricExporter(options),
  };
}
