// Azure Monitor's own exporters, a file of their own because they take three times as long to load as everything else here.
import type { TokenCredential } from '@azure/core-auth';
import type { PipelinePolicy } from '@azure/core-rest-pipeline';
import { AzureMonitorMetricExporter, AzureMonitorTraceExporter } from '@azure/monitor-opentelemetry-exporter';
import type { AzureMonitorSettings } from '../platform/settings/types.ts';

/** Contacts nothing yet. `lost` is told of each request by which something of what was sent is lost. */
export function createAzureMonitor(
  { connectionString }: AzureMonitorSettings,
  credential: TokenCredential | undefined,
  lost: (error: unknown) => void,
): { readonly traces: AzureMonitorTraceExporter; readonly metrics: AzureMonitorMetricExporter } {
  const options = {
    connectionString: connectionString.reveal(),
    // What could not be sent is lost: nothing of a patient's app lies about on a disk.
    disableOfflineStorage: true,
    additionalPolicies: [{ policy: tellLosses(lost), position: 'perCall' as const }],
    ...(credential ? { credential } : {}),
  };
  return {
    traces: new AzureMonitorTraceExporter(options),
    metrics: new AzureMonitorMetricExporter(options),
  };
}

/**
 * The exporter calls what it would try again later sent, though it keeps nothing to try again with (measured with
 * 1.0.0-beta.45): where a role is missing, a quota is used up or nobody answers.
 */
function tellLosses(lost: (error: unknown) => void): PipelinePolicy {
  return {
    name: 'tellLosses',
    async sendRequest(request, next) {
      try {
        const response = await next(request);
        const { status } = response;
        // To where it is redirected, the exporter sends it by itself.
        if (status !== 200 && status !== 307 && status !== 308)
          lost(Object.assign(new Error(`HTTP ${status}`), { code: String(status) }));
        return response;
      } catch (error) {
        lost(error);
        throw error;
      }
    },
  };
}
