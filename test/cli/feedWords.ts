// `npm run feed` without its process, and the reports of services and replays that the app gives it.
import assert from 'node:assert/strict';
import type { Trouble } from '../../cli/app/call.ts';
import { feedCommand } from '../../cli/feed/command.ts';
import { readFeedOptions } from '../../cli/feed/options.ts';
import type { RedriveReport, ReplayReport, FeedReport } from '../../cli/feed/service.ts';
import { play, type Ended, type Reply, type SceneOptions } from './appScene.ts';

export const clinic = 'https://clinic-imaging.dicom.azurehealthcareapis.com';
export const lab = 'https://lab-imaging.dicom.azurehealthcareapis.com';

export const service = (change: Partial<FeedReport> = {}): FeedReport => ({
  ...{ service: clinic, outcome: 'caught_up', time: '2026-03-01T11:59:00.000Z', cursor: 12_345, epoch: 1 },
  ...{ latest: 12_345, lag: 0, lagSeconds: 0, holes: { held: 0, crossed: 0 } },
  ...{ delivered: 0, late: 0, repeated: 0, fallbacks: 0, deadLetters: 0, replays: [], ...change },
});

export const replay = (change: Partial<ReplayReport> = {}): ReplayReport => ({
  ...{ id: 'r-1', service: clinic, state: 'running', epoch: 1, from: 1, to: 10_000 },
  ...{ sinks: ['blob', 'queue'], passed: 4_500, total: 10_000, delivered: 4_321 },
  ...{ startedAt: '2026-03-01T11:48:00.000Z', ...change },
});

export const redriven = (change: Partial<RedriveReport> = {}): RedriveReport => ({
  ...{ service: clinic, outcome: 'done', taken: 0, refused: 0, remaining: 0, ...change },
});

export const why = ['--reason', 'a drill'];

/** Fails when it has not ended after `most` seconds. */
export async function run(
  args: readonly string[],
  answer: SceneOptions['answer'],
  scene: Omit<SceneOptions, 'answer'> = {},
  most = 10,
): Promise<Ended> {
  const options = readFeedOptions(args, {});
  if (options === 'help') assert.fail();
  return play((around) => feedCommand(options, around), { answer, ...scene }, most);
}

export const json = (value: unknown): Reply => ({ json: value });
export const services = (...reports: unknown[]): Reply => json({ services: reports });
/** The app is away, unless something else is the matter. */
export const trouble = (change: Partial<Trouble> = {}): Reply => ({
  trouble: { kind: 'unreachable', code: 'unreachable', detail: 'No.', passes: true, ...change },
});
