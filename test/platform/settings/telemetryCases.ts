// What the settings of telemetry take and refuse: rows of the table of cases.
import { guid } from './environments.ts';

export interface Case {
  readonly good: readonly string[];
  readonly bad: readonly string[];
  readonly fallback?: string;
}

export const telemetryCases = {
  OTEL_SERVICE_NAME: {
    good: ['telehealth-staging', 'A.b_1'],
    bad: ['two words', 'x'.repeat(101), 'a/b'],
    fallback: 'telehealth-functions',
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    good: ['https://collector.example', 'http://127.0.0.1:4318/', 'https://tenant.example/api/otlp'],
    bad: ['collector.example:4318', 'grpc://collector.example', 'https://c.example/?key=1', 'https://'],
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    good: ['api-key=word', 'Authorization=Basic%20eA%3D%3D, x-tenant = one', 'a=b=c'],
    bad: ['api-key', '=word', 'api key=word', 'a=b,', 'a=%zz', 'a=%0d%0a', 'a='],
  },
  OTEL_EXPORTER_OTLP_PROTOCOL: {
    good: ['http/protobuf'],
    bad: ['grpc', 'http/json'],
    fallback: 'http/protobuf',
  },
  APPLICATIONINSIGHTS_CONNECTION_STRING: {
    good: [
      `InstrumentationKey=${guid}`,
      `InstrumentationKey=${guid};IngestionEndpoint=https://x-0.in.applicationinsights.azure.com/;`,
    ],
    bad: [
      guid,
      'InstrumentationKey=1',
      `InstrumentationKey=${guid};x`,
      'IngestionEndpoint=https://x.example/',
    ],
  },
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: {
    good: ['Authorization=AAD', `ClientId=${guid};Authorization=AAD`, `Authorization=AAD;ClientId=${guid};`],
    bad: ['AAD', `ClientId=${guid}`, 'Authorization=AAD;ClientId=me', 'Authorization=AAD;x=1'],
  },
} as const satisfies Readonly<Record<string, Case>>;
