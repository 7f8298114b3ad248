// Starts stand-ins for a test, sends the real Azure hosts of this process to them, and closes everything afterwards.
import type { TokenCredential } from '@azure/core-auth';
import { createRequire } from 'node:module';
import { after } from 'node:test';
import { demo } from '../../local/demo.ts';
import { appOnlyClaims, type Principal } from '../../local/standIns/claims.ts';
import { credentialOf } from '../../local/standIns/credential.ts';
import { Directory } from '../../local/standIns/directory.ts';
import { FaultBook } from '../../local/standIns/faults.ts';
import {
  listen,
  withFrame,
  type Now,
  type Served,
  type ServiceName,
  type StandIn,
} from '../../local/standIns/kit.ts';
import { RequestLog } from '../../local/standIns/requestLog.ts';
import { TokenOffice } from '../../local/standIns/tokens.ts';

/** What every stand-in is made of; give it to the `create…` functions. */
export interface TestTenant {
  readonly directory: Directory;
  readonly tokens: TokenOffice;
  readonly now: Now;
}

export interface TestCloud extends TestTenant {
  readonly faults: FaultBook;
  readonly log: RequestLog;
  /** Where each started stand-in listens, as `http://127.0.0.1:<port>`. */
  readonly urls: Readonly<Partial<Record<ServiceName, string>>>;
  /** `GET /state` of one stand-in, as its JSON text. */
  state(service: ServiceName): string;
  /** Moves the stand-ins' clock, which otherwise stands still at the moment of the start. */
  advance(ms: number): void;
  /** An access token as the managed identity endpoint would hand it to this principal. */
  tokenFor(principal: Principal, resource: string): Promise<string>;
  /** A credential for the SDK clients, answering what `tokenFor` signs, with no cache of its own. */
  credentialFor(principal: Principal): TokenCredential;
}

/**
 * Starts what `make` answers on free ports and closes it after the tests of the file (or of `scope`, a test context).
 * Call it before the first request: the preload is loaded here and pooled sockets would outlive a change of routes.
 */
export async function startStandIns(
  make: (tenant: TestTenant) => readonly StandIn[],
  scope: { after(close: () => Promise<void>): void } = { after },
): Promise<TestCloud> {
  const served: Served[] = [];
  scope.after(async () => {
    await Promise.all(served.map((one) => one.close()));
  });
  let time = Date.now();
  const now: Now = () => time;
  const directory = new Directory(demo.tenantId, now);
  const tokens = await TokenOffice.open(now);
  const faults = new FaultBook(directory);
  const log = new RequestLog(now);
  const urls: Partial<Record<ServiceName, string>> = {};
  const standIns = make({ directory, tokens, now });
  for (const standIn of standIns) {
    faults.know(standIn.service, standIn.effects ?? {});
    const one = await listen(withFrame(standIn, faults, log), 0);
    served.push(one);
    urls[standIn.service] = one.url;
  }
  process.env['LOCAL_ROUTES'] = JSON.stringify(urls);
  createRequire(import.meta.url)('../../local/preload.cjs');

  const tokenFor = (principal: Principal, resource: string): Promise<string> =>
    tokens.sign({ claims: appOnlyClaims(directory, principal, resource) });
  return {
    ...{ directory, tokens, now, faults, log, urls, tokenFor },
    state: (service) => JSON.stringify(standIns.find((one) => one.service === service)?.state()),
    advance(ms) {
      time += ms;
    },
    credentialFor: (principal) => credentialOf({ directory, tokens }, principal),
  };
}
