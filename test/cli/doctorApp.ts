// An app that the doctor asks: all is well with it but for what a test says.
import { doctorThere } from '../../cli/doctor/command.ts';
import type { HealthDetails } from '../../cli/doctor/details.ts';
import type { Finding } from '../../cli/doctor/finding.ts';
import { version } from '../../src/platform/version.ts';
import { play, type Asked, type Ended, type Reply, type SceneOptions } from './appScene.ts';

export const now = '2026-03-01T12:00:00.000Z';
export const on = { state: 'on' } as const;

export const well: HealthDetails = {
  status: 'ok',
  since: now,
  version,
  capabilities: { communication: { state: 'off' }, rotation: on, changeFeed: on },
  timers: { rotateSecrets: { state: 'ok', time: now }, pullChangeFeed: { state: 'unknown' } },
  dependencies: [{ name: 'graph', state: 'ok', lastSuccess: now }],
  parts: {},
};
const client = {
  ...{ appId: 'an-app', secretName: 'a-secret', outcome: 'noop', time: now, daysToExpiry: 60, plan: [] },
  ...{ verifyAttempts: 0, durations: {}, warnings: [] },
};
const service = {
  ...{ service: 'https://x.dicom.azurehealthcareapis.com', outcome: 'caught_up', time: now, cursor: 1 },
  ...{ epoch: 1, latest: 1, lag: 0, holes: { held: 0, crossed: 0 }, delivered: 0, late: 0, repeated: 0 },
  deadLetters: 0,
};

export interface App {
  readonly details?: Partial<HealthDetails>;
  readonly client?: object;
  readonly service?: object;
  /** A path that it does not open, and what may mend that. */
  readonly refuses?: string;
  readonly advice?: string;
}

export function run(app: App, json = true, screen: Pick<SceneOptions, 'colors'> = {}): Promise<Ended> {
  const answer = ({ path }: Asked): Reply => {
    if (path === app.refuses)
      return {
        trouble: {
          ...{ kind: 'unreachable', code: 'key_refused', detail: 'The host refuses the function key.' },
          ...(app.advice === undefined ? {} : { advice: app.advice }),
        },
      };
    if (path === 'rotations') return { json: { clients: [{ ...client, ...app.client }] } };
    if (path === 'change-feed') return { json: { services: [{ ...service, ...app.service }] } };
    return { json: { ...well, ...app.details } };
  };
  return play((around) => doctorThere({ json }, around), { ...screen, answer });
}

export async function findingsOf(app: App): Promise<{ code: number; findings: readonly Finding[] }> {
  const { code, out } = await run(app);
  return { code, ...(JSON.parse(out) as { findings: readonly Finding[] }) };
}
