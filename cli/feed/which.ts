// Which service is meant by `--service`, or by leaving it out.
import type { Around } from '../app/around.ts';
import type { Troubled } from '../app/call.ts';
import { UsageError } from '../commandLine.ts';
import { plain } from '../terminal.ts';
import { statusCall, type FeedReport } from './service.ts';
import { hostOf } from './show.ts';

export type Found =
  { readonly kind: 'service'; readonly service: string; readonly report?: FeedReport } | Troubled;

/** A URL is taken as it is; for anything else the app is asked. Throws `UsageError` where that does not name one service. */
export async function findService(given: string | undefined, around: Around): Promise<Found> {
  const url = given === undefined ? undefined : URL.parse(given);
  if (url?.protocol === 'https:') return { kind: 'service', service: url.href.replace(/\/+$/, '') };
  return findReport(given, around);
}

/** The service with its last report, for which the app is asked in any case. Throws as `findService` does. */
export async function findReport(given: string | undefined, around: Around): Promise<Found> {
  const answer = await around.call(statusCall);
  if (answer.kind === 'trouble') return answer;
  const [report, ...more] = chosen(answer.value.services, given);
  if (report && more.length === 0) return { kind: 'service', service: report.service, report };
  throw unknownService(answer.value.services);
}

/**
 * Those whose URL, host name or first part of it is `given`; all without it. Throws `UsageError` where there is none.
 */
export function chosen<Report extends { readonly service: string }>(
  services: readonly Report[],
  given: string | undefined,
): readonly Report[] {
  if (given === undefined) return services;
  const name = given.toLowerCase().replace(/\/+$/, '');
  const found = services.filter(({ service }) => {
    const host = hostOf(service);
    return [service, host, host.split('.')[0]].includes(name);
  });
  if (found.length === 0) throw unknownService(services);
  return found;
}

function unknownService(services: readonly { readonly service: string }[]): UsageError {
  const hosts = services.map(({ service }) => plain(hostOf(service)));
  return new UsageError(`--service: expected one of ${hosts.join(', ')}`);
}
