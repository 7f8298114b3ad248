// `GET /api/health`: whether the app is well as far as this process last knew; asks nobody and names nothing.
import type { AppContext } from './context.ts';
import { http } from './http.ts';

export function health(context: AppContext): void {
  http(context, {
    name: 'health',
    method: 'GET',
    route: 'health',
    authLevel: 'anonymous',
    section: { state: 'on', value: context.health },
    handle: async (_call, board) =>
      board.ok() ? { status: 200, body: { status: 'ok' } } : { status: 503, body: { status: 'failing' } },
  });
}
