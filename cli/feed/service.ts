// The routes of the change feed, as the commands call them.
import * as z from 'zod/mini';
import { redriveShape, type RedriveReport } from '../../src/changeFeed/redrive.ts';
import { replayShape, type ReplayReport } from '../../src/changeFeed/replayReport.ts';
import { reportShape, type FeedReport } from '../../src/changeFeed/report.ts';
import { readAnswerMs, runAnswerMs, type Call } from '../app/call.ts';
import type { ReplayRange } from './options.ts';

export type { RedriveReport } from '../../src/changeFeed/redrive.ts';
export type { ReplayReport } from '../../src/changeFeed/replayReport.ts';
export type { FeedReport } from '../../src/changeFeed/report.ts';

const servicesShape = z.object({ services: z.array(reportShape) });
const redrivenShape = z.object({ services: z.array(redriveShape) });

interface Services<Report> {
  readonly services: readonly Report[];
}

const stopped = { detail: 'Stopped.' };
const capability = 'its change feed';

export const statusCall: Call<Services<FeedReport>> = {
  ...{ method: 'GET', path: 'change-feed', shape: servicesShape, capability },
  ...{ answerMs: readAnswerMs, interruption: stopped },
};

export const runCall: Call<Services<FeedReport>> = {
  ...{ method: 'POST', path: 'change-feed/runs', shape: servicesShape, capability, answerMs: runAnswerMs },
  interruption: {
    detail: 'Nobody waits any more; the run itself goes on.',
    advice: 'See how it ended: npm run feed -- status',
  },
};

export function startReplayCall(
  request: ReplayRange & { readonly service: string; readonly reason: string },
): Call<{ readonly id: string }> {
  return {
    ...{ method: 'POST', path: 'change-feed/replays', body: request, capability, answerMs: readAnswerMs },
    shape: z.object({ id: z.string() }),
    interruption: {
      detail: 'The replay may have been started.',
      advice: 'See whether it was: npm run feed -- status',
    },
  };
}

export function replayCall(id: string): Call<ReplayReport> {
  return { ...ofReplay(id), method: 'GET', interruption: stopped };
}

export function cancelCall(id: string, reason: string | undefined): Call<ReplayReport> {
  const interruption = {
    detail: 'The replay may have been cancelled.',
    advice: `See whether it was: npm run feed -- status ${id}`,
  };
  const body = reason === undefined ? {} : { body: { reason } };
  return { ...ofReplay(id), ...body, method: 'DELETE', interruption };
}

function ofReplay(id: string): Pick<Call<ReplayReport>, 'path' | 'shape' | 'capability' | 'answerMs'> {
  return { path: `change-feed/replays/${id}`, shape: replayShape, capability, answerMs: readAnswerMs };
}

export function redriveCall(request: {
  readonly service: string | undefined;
  readonly reason: string;
}): Call<Services<RedriveReport>> {
  return {
    ...{ method: 'POST', path: 'change-feed/dead-letters/redrive', body: request, capability },
    ...{ shape: redrivenShape, answerMs: runAnswerMs },
    interruption: {
      detail: 'Nobody waits any more; what was asked for goes on.',
      advice: 'See what is left: npm run feed -- status',
    },
  };
}

export function setCursorCall(request: {
  readonly service: string;
  readonly sequence: number;
  readonly expect: number | null;
  readonly reason: string;
}): Call<FeedReport> {
  return {
    ...{ method: 'PUT', path: 'change-feed/cursor', body: request, shape: reportShape, capability },
    answerMs: readAnswerMs,
    interruption: {
      detail: 'The cursor may have been moved.',
      advice: 'See where it stands: npm run feed -- status',
    },
  };
}
