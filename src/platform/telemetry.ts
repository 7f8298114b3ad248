// What the app tells of its work to those who watch it: the seam behind which OpenTelemetry is, or nothing.
import type { Instrumenter } from '@azure/core-tracing';
import type { LogFields } from './log.ts';

/** Everything that a span or a metric may name as upstream. */
export type UpstreamService =
  | 'acs'
  | 'graph'
  | 'entra'
  | 'keyVault'
  | 'dicom'
  | 'blob'
  | 'queue'
  | 'table'
  | 'webhook'
  /** Whoever publishes the keys that callers' tokens are signed with. */
  | 'issuer'
  /** The platform's managed identity, or a person's sign-in on a workstation. */
  | 'identity';

/** Under this name the app's own requests reach the instrumenter, beside those of the Azure SDK's packages. */
export const tracedPackage = 'telehealth-functions';

export interface Invocation {
  /** Of the function. */
  readonly name: string;
  readonly requestId: string;
  /** W3C `traceparent` of the host; empty or absent where it traces nothing. */
  readonly traceParent?: string | undefined;
  /** Method and route template of an HTTP function, never a URL. */
  readonly http?: { readonly method: string; readonly route: string } | undefined;
}

export interface InvocationEnd {
  /** `refused`: the caller's fault. */
  readonly outcome: 'ok' | 'refused' | 'failed';
  readonly status?: number | undefined;
}

/** Throws nothing of its own, and makes nobody wait but who calls `flush`. */
export interface Telemetry {
  /** Runs one invocation; what it asks of upstreams meanwhile belongs to it. */
  invocation<T>(about: Invocation, work: () => Promise<T>, endOf: (result: T) => InvocationEnd): Promise<T>;
  /** Is told every event that an invocation logs. */
  readonly event: (name: string, fields: LogFields) => void;
  /** Sends what there is, within a few seconds. Never rejects. */
  flush(): Promise<void>;
}

/** As it comes out of the second bundle. */
export interface ProcessTelemetry extends Telemetry {
  /** For the Azure SDK's own hooks. */
  readonly instrumenter: Instrumenter;
}

export const noTelemetry: Telemetry = {
  invocation: (_about, work) => work(),
  event: () => undefined,
  flush: async () => undefined,
};
