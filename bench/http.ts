// Calls the app as its clients do: over connections that are kept alive, and no more of them than the agent allows.
import { request, type Agent } from 'node:http';
import * as z from 'zod/mini';

export interface Answer {
  readonly status: number;
  /** Seconds, where the answer says when to come back. */
  readonly retryAfter: number | undefined;
  readonly text: string;
}

/** A call for a token with this bearer. Rejects when the connection breaks. */
export function askForToken(host: string, bearer: string, agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${bearer}` };
    const call = request(`${host}/api/tokens`, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const seconds = Number(response.headers['retry-after'] ?? Number.NaN);
        const retryAfter = Number.isNaN(seconds) ? undefined : seconds;
        resolve({ status: response.statusCode ?? 0, retryAfter, text });
      });
    });
    call.on('error', reject);
    call.end();
  });
}

const issued = z.object({ token: z.string(), user: z.object({ communicationUserId: z.string() }) });

/** The identity that the token is for. Throws when the answer is not a token's. */
export function identityIn(answer: Answer): string {
  if (answer.status !== 200) throw new Error(`A token was expected, the answer was ${answer.status}.`);
  return issued.parse(JSON.parse(answer.text)).user.communicationUserId;
}
