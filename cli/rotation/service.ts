// The routes of the rotation, as the commands call them.
import * as z from 'zod/mini';
import { reportShape, type RotationReport } from '../../src/rotation/report.ts';
import { readAnswerMs, runAnswerMs, type Call } from '../app/call.ts';
import type { RotationOptions } from './options.ts';

export interface Clients {
  readonly clients: readonly RotationReport[];
}

const clientsShape = z.object({ clients: z.array(reportShape) });

export function rotationCall({
  command,
  request,
}: Pick<RotationOptions, 'command' | 'request'>): Call<Clients> {
  const route = { path: 'rotations', shape: clientsShape, capability: 'its rotation' } as const;
  const interruption =
    command === 'run'
      ? {
          detail: 'Nobody waits any more; the run itself goes on.',
          advice: 'See how it ended: npm run rotation -- status',
        }
      : { detail: 'Stopped.' };
  return command === 'status'
    ? { ...route, method: 'GET', answerMs: readAnswerMs, interruption }
    : { ...route, method: 'POST', body: request, answerMs: runAnswerMs, interruption };
}
