// An OTLP receiver on loopback: reads traces and metrics from the protobuf that is really sent, and keeps the raw bytes.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fieldsOf, type Fields } from './protobuf.ts';

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentId: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

export interface ReceivedPoint {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'gauge' | 'counter' | 'histogram';
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** Of a histogram: how many were measured. */
  readonly value: number;
  /** Of a histogram alone. */
  readonly sum?: number;
}

export interface OtlpReceiver {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  readonly points: readonly ReceivedPoint[];
  readonly resources: readonly ReceivedSpan['attributes'][];
  /** Every request as it came, its body byte by byte. */
  readonly raw: readonly {
    readonly path: string;
    readonly headers: readonly string[];
    readonly body: string;
  }[];
  /** What is answered from now on; `hang` answers nothing. */
  answer: number | 'hang';
  close(): Promise<void>;
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const received = {
    spans: [] as ReceivedSpan[],
    points: [] as ReceivedPoint[],
    resources: [] as ReceivedSpan['attributes'][],
    raw: [] as OtlpReceiver['raw'][number][],
    answer: 200 as number | 'hang',
  };
  const hung: ServerResponse[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    received.raw.push({
      path: request.url ?? '',
      headers: request.rawHeaders,
      body: body.toString('latin1'),
    });
    if (received.answer === 'hang') {
      hung.push(response);
      return;
    }
    if (received.answer === 200) {
      for (const resource of fieldsOf(body).messages(1)) {
        received.resources.push(attributesOf(resource.message(1), 1));
        for (const scope of resource.messages(2)) {
          if (request.url === '/v1/traces') received.spans.push(...scope.messages(2).map(spanOf));
          else received.points.push(...scope.messages(2).flatMap(pointsOf));
        }
      }
    }
    response.writeHead(received.answer, { 'content-type': 'application/x-protobuf' }).end();
  };
  const server = createServer((request, response) => void take(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(received, {
    url: `http://127.0.0.1:${port}`,
    async close() {
      // An answer, for a cut connection would be tried again.
      for (const response of hung) response.writeHead(400, { connection: 'close' }).end();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function spanOf(span: Fields): ReceivedSpan {
  return {
    traceId: span.bytes(1).toString('hex'),
    spanId: span.bytes(2).toString('hex'),
    parentId: span.bytes(4).toString('hex'),
    name: span.text(5),
    kind: span.number(6),
    failed: span.message(15).number(3) === 2,
    attributes: attributesOf(span, 9),
  };
}

/** Field numbers of opentelemetry/proto/metrics/v1: 5 gauge, 7 sum, 9 histogram. */
function pointsOf(metric: Fields): readonly ReceivedPoint[] {
  const about = { name: metric.text(1), unit: metric.text(3) };
  const numbers = (kind: 'gauge' | 'counter', field: number): ReceivedPoint[] =>
    metric
      .messages(field)
      .flatMap((data) => data.messages(1))
      .map((point) => ({
        ...{ ...about, kind, attributes: attributesOf(point, 7) },
        value: point.has(6) ? point.integer(6) : point.double(4),
      }));
  const histograms = metric
    .messages(9)
    .flatMap((data) => data.messages(1))
    .map((point) => ({
      ...{ ...about, kind: 'histogram' as const, attributes: attributesOf(point, 9) },
      ...{ value: point.integer(4), sum: point.double(5) },
    }));
  return [...numbers('gauge', 5), ...numbers('counter', 7), ...histograms];
}

function attributesOf(message: Fields, field: number): ReceivedSpan['attributes'] {
  return Object.fromEntries(
    message.messages(field).map((pair): [string, string | number | boolean] => {
      const value = pair.message(2);
      if (value.has(2)) return [pair.text(1), value.number(2) === 1];
      if (value.has(3)) return [pair.text(1), value.number(3)];
      return [pair.text(1), value.has(4) ? value.double(4) : value.text(1)];
    }),
  );
}
