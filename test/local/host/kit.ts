// What the host's tests share: exact requests over raw HTTP, and small apps bundled as the real one is.
import { build } from 'esbuild';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startHost, type Host, type HostOptions } from '../../../local/host/host.ts';
import type { LogLine } from '../../../local/host/log.ts';

export interface RawRequest {
  readonly method: string;
  /** Sent as it is. */
  readonly path: string;
  /** A list is sent as that many headers; values travel as UTF-8. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer | undefined;
  /** Without Content-Length. */
  readonly chunked?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One request on its own connection, with nothing added but what HTTP asks for. */
export function send(
  url: string,
  { method, path, headers = {}, body, chunked = false }: RawRequest,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const request = httpRequest({ hostname, port, method, path, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const sent = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(sent) as Record<string, string>,
          body: Buffer.concat(chunks).toString('utf8'),
        });
      });
    });
    request.on('error', reject);
    const wire = (value: string) => Buffer.from(value, 'utf8').toString('latin1');
    for (const [name, value] of Object.entries(headers)) {
      request.setHeader(name, typeof value === 'string' ? wire(value) : value.map(wire));
    }
    if (body !== undefined && !chunked) request.setHeader('content-length', Buffer.byteLength(body));
    // A string would be written together with the headers, and they would then be encoded once more.
    request.end(body === undefined ? undefined : Buffer.from(body));
  });
}

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** A folder with `source` (which may import @azure/functions) bundled like the real app; removed when the test ends. */
export async function makeApp(t: TestContext, source: string, hostJson: object = {}): Promise<string> {
  const folder = makeFolder(t, {
    'package.json': JSON.stringify({ main: 'main.cjs' }),
    'host.json': JSON.stringify({ version: '2.0', ...hostJson }),
  });
  await build({
    stdin: { contents: `import { app } from '@azure/functions';\n${source}`, resolveDir: root },
    outfile: join(folder, 'main.cjs'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
    external: ['@azure/functions-core'],
  });
  return folder;
}

export function makeFolder(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'functions-host-'));
  t.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

export interface TestHost {
  readonly host: Host;
  readonly lines: readonly LogLine[];
  get(path: string, headers?: RawRequest['headers']): Promise<Answer>;
  send(request: RawRequest): Promise<Answer>;
}

/** Starts an app of `source` in this process and stops it when the test ends. */
export async function runApp(
  t: TestContext,
  source: string,
  { hostJson, ...options }: Partial<HostOptions> & { readonly hostJson?: object } = {},
): Promise<TestHost> {
  const appDirectory = options.appDirectory ?? (await makeApp(t, source, hostJson));
  const lines: LogLine[] = [];
  const log = (line: LogLine) => lines.push(line);
  const host = await startHost({ port: 0, environment: {}, log, ...options, appDirectory });
  t.after(() => host.stop());
  return {
    host,
    lines,
    get: (path, headers = {}) => send(host.url, { method: 'GET', path, headers }),
    send: (request) => send(host.url, request),
  };
}
