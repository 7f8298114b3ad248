// What every stand-in is made of: its name, its web application, its state for people, and its own scripted effects.
import { serve, type HttpBindings, type ServerType } from '@hono/node-server';
import { Hono } from 'hono';
import type { ZodMiniType } from 'zod/mini';
import type { FaultBook } from './faults.ts';
import type { LoggedRequest, RequestLog } from './requestLog.ts';

export const serviceNames = [
  'managedIdentity',
  'entra',
  'graph',
  'keyVault',
  'communication',
  'dicom',
  'subscriber',
] as const;
export type ServiceName = (typeof serviceNames)[number];

/** Milliseconds since 1970, UTC. A function, so that tests can move the stand-ins' time. */
export type Now = () => number;

export type StandInEnv = { Bindings: HttpBindings; Variables: { logged: LoggedRequest } };

/** A scripted behaviour of one service, named as in `POST /faults`, e.g. `lagMs` of Entra's replicas. */
export interface OwnEffect {
  /** Accepts the whole effect object of the rule, e.g. `{ replicas: 2, lagMs: 500 }`; unknown fields are refused. */
  readonly schema: ZodMiniType;
  /** Switches it on with the checked value; the answer switches it off again. */
  apply(effect: unknown): () => void;
}

export interface StandIn {
  readonly service: ServiceName;
  readonly app: Hono<StandInEnv>;
  /** What exists, for `GET /state`; never the value of a secret or a token. */
  state(): unknown;
  readonly effects?: Readonly<Record<string, OwnEffect>>;
}

export interface Served {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Puts the request log and the faults in front of a stand-in; the order decides that a faulted request is logged too. */
export function withFrame(standIn: StandIn, faults: FaultBook, log: RequestLog): Hono<StandInEnv> {
  const frame = new Hono<StandInEnv>();
  frame.use(log.middleware(standIn.service));
  frame.use(faults.middleware(standIn.service));
  frame.route('/', standIn.app);
  return frame;
}

/** Listens on loopback only; port 0 takes a free one. Rejects with Node's own error (`EADDRINUSE`) when it cannot. */
export function listen(app: Hono<StandInEnv>, port: number): Promise<Served> {
  return new Promise((resolve, reject) => {
    const server: ServerType = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, (info) => {
      resolve({ url: `http://127.0.0.1:${info.port}`, port: info.port, close: () => closeServer(server) });
    });
    server.once('error', reject);
  });
}

function closeServer(server: ServerType): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
}
