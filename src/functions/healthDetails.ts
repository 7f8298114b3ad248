// `GET /api/health/details`: each capability, timer and service behind the app, what is wrong and what to do; asks nobody.
import type { Section } from '../platform/settings/types.ts';
import { version } from '../platform/version.ts';
import type { AppContext } from './context.ts';
import { http } from './http.ts';
import { timerNames, timerStates } from './timerStates.ts';

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
      const body = {
        status: health.ok() ? 'ok' : 'failing',
        since: health.since,
        version,
        capabilities: {
          communication: view(communication),
          rotation: view(rotation),
          changeFeed: view(changeFeed),
        },
        timers: timerStates(context),
        dependencies: health.dependencies.states(),
        parts: otherParts(context),
      };
      return { status: health.ok() ? 200 : 503, body };
    },
  });
}

function view(section: Section<unknown>): object {
  return section.state === 'misconfigured'
    ? { state: section.state, problems: section.problems }
    : { state: section.state };
}

function otherParts({ health }: AppContext): object {
  const isTimer = (name: string): boolean => timerNames.some((timer) => timer === name);
  return Object.fromEntries(Object.entries(health.parts()).filter(([name]) => !isTimer(name)));
}
