// A way to a server that takes its time: passes every request on after a delay, and tells of it.
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';

export interface SlowProxy {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** `target` without a path; `seen` is told the method and the path with its query. */
export async function openSlowProxy(
  target: string,
  delayMs: number,
  seen: (method: string, path: string) => void = () => undefined,
): Promise<SlowProxy> {
  const agent = new Agent({ keepAlive: true });
  const proxy = createServer((incoming, reply) => {
    const { method = 'GET', url: path = '/', headers } = incoming;
    seen(method, path);
    setTimeout(() => {
      const onward = request(target + path, { method, headers, agent }, (answer) => {
        reply.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(reply);
      });
      // To its client it looks as what happened behind it: a connection that breaks.
      onward.on('error', () => reply.destroy());
      incoming.pipe(onward);
    }, delayMs);
  });
  // What cannot be started must not keep the process waiting for this.
  proxy.unref();
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  if (typeof address !== 'object' || address === null) throw new Error('The proxy has no port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, 'close');
      agent.destroy();
    },
  };
}
