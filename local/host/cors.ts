// CORS as Core Tools does it for the origins of local.settings.json: every header and method of a listed origin.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CorsSettings } from './settings.ts';

/**
 * Adds the headers for the request's origin. True when the request was a preflight and is answered with that: 204, and
 * without any grant when the origin is not listed. Without settings an OPTIONS is a request like any other.
 */
export function applyCors(
  request: IncomingMessage,
  response: ServerResponse,
  cors: CorsSettings | undefined,
): boolean {
  const { origin } = request.headers;
  if (cors === undefined || origin === undefined) return false;
  const anyOrigin = cors.origins.includes('*');
  const wanted = request.headers['access-control-request-method'];
  const preflight = request.method === 'OPTIONS' && wanted !== undefined;
  if (!anyOrigin) response.setHeader('Vary', 'Origin');
  if (anyOrigin || cors.origins.includes(origin)) {
    response.setHeader('Access-Control-Allow-Origin', anyOrigin ? '*' : origin);
    if (cors.credentials) response.setHeader('Access-Control-Allow-Credentials', 'true');
    if (preflight) grantPreflight(response, wanted, request.headers['access-control-request-headers']);
  }
  if (preflight) response.writeHead(204).end();
  return preflight;
}

function grantPreflight(response: ServerResponse, method: string, headers: string | undefined): void {
  response.setHeader('Access-Control-Allow-Methods', method);
  if (headers !== undefined) response.setHeader('Access-Control-Allow-Headers', headers);
}
