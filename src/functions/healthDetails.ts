// `GET /api/health/details`: each capability and timer, what is wrong and what to do, for operators.
import type { Section } from '../platform/settings/types.ts';
import type { AppContext } from './context.ts';
import { http } from './http.ts';

export function healthDetails(context: AppContext): void {
  http(context, {
    name: 'healthDetails',
    method: 'GET',
    route: 'health/details',
    authLevel: 'function',
    section: context.operators,
    handle: async (call, operators) => {
      await operators.callers().trusted(call, operators.role);
      const { health, communication, rotation, changeFeed } = context;
      const capabilities = {
        communication: view(communication),
        rotation: view(rotation),
        changeFeed: view(changeFeed),
      };
      const body = { status: health.ok() ? 'ok' : 'failing', capabilities, parts: health.parts() };
      return { status: health.ok() ? 200 : 503, body };
    },
  });
}

function view(section: Section<unknown>): object {
  return section.state === 'misconfigured'
    ? { state: section.state, problems: section.problems }
    : { state: section.state };
}
