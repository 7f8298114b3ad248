// Sends HTTP requests byte by byte over a socket of their own: what fetch would tidy up, join or refuse to send.
import { connect } from 'node:net';

export interface RawRequest {
  /** POST when absent. */
  readonly method?: string;
  /** The request target, sent as it is. */
  readonly target: string;
  /** Each one a line of its own, also repeated ones; values travel as UTF-8. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string | Uint8Array;
  /** The body is its own framing: no Content-Length is added. */
  readonly unframed?: boolean;
}

export interface RawAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

const limitMs = 20_000;

/** Adds Host, `Connection: close` and a Content-Length where the request has none. Rejects when nothing comes back. */
export function sendRaw(url: string, request: RawRequest): Promise<RawAnswer> {
  const { hostname, port, host } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    const chunks: Buffer[] = [];
    socket.setTimeout(limitMs, () => socket.destroy(new Error('no answer came')));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A server that refuses half a request may reset the connection behind its answer.
    socket.on('error', (error) => {
      if (chunks.length === 0) reject(error);
    });
    socket.on('close', () => {
      try {
        resolve(readAnswer(Buffer.concat(chunks).toString()));
      } catch (error) {
        reject(error instanceof Error ? error : new Error('unreadable'));
      }
    });
    socket.write(bytesOf(request, host));
  });
}

function bytesOf(
  { method = 'POST', target, headers = [], body, unframed }: RawRequest,
  host: string,
): Buffer {
  const bytes = Buffer.from(body ?? '');
  const has = (name: string): boolean => headers.some(([given]) => given.toLowerCase() === name);
  const length =
    body === undefined || unframed || has('content-length') ? [] : [`Content-Length: ${bytes.length}`];
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...(has('host') ? [] : [`Host: ${host}`]),
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...length,
    'Connection: close',
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes]);
}

function readAnswer(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [status = '', ...lines] = head.split('\r\n');
  const code = /^HTTP\/1\.1 (\d{3})/.exec(status)?.[1];
  if (code === undefined) throw new Error(`not an HTTP answer: ${text.slice(0, 80)}`);
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(code), headers: new Map(headers), text: rest.join('\r\n\r\n') };
}
