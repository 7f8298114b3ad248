// Keeps the pipelines of the SDKs from waiting longer than the app can.
import type { PipelinePolicy } from '@azure/core-rest-pipeline';

/**
 * The pipeline waits as long as `Retry-After` says, however long (measured). Above the cap the answer goes back to the
 * caller instead, its header kept as `x-retry-after`, in seconds where it was in milliseconds.
 */
export function capRetryAfter(maxMs: number): PipelinePolicy {
  const names = ['retry-after', 'retry-after-ms', 'x-ms-retry-after-ms'];
  return {
    name: 'capRetryAfter',
    async sendRequest(request, next) {
      const response = await next(request);
      for (const name of names) {
        const value = response.headers.get(name);
        if (value === undefined || retryAfterMs(name, value, response.headers.get('date')) <= maxMs) continue;
        response.headers.delete(name);
        response.headers.set('x-retry-after', inSeconds(name, value));
      }
      return response;
    },
  };
}

function inSeconds(name: string, value: string): string {
  return name.endsWith('-ms') && /^\d+$/.test(value) ? String(Math.ceil(Number(value) / 1000)) : value;
}

/** Milliseconds to wait; a date is read against the answer's own `Date`, so that no clock of ours is asked. */
function retryAfterMs(name: string, value: string, date: string | undefined): number {
  if (/^\d+$/.test(value)) return Number(value) * (name.endsWith('-ms') ? 1 : 1000);
  const wait = Date.parse(value) - Date.parse(date ?? '');
  return Number.isNaN(wait) ? Number.POSITIVE_INFINITY : wait;
}
