// What the handlers make of a body: the shape that each parses, and whether it is taken in the end.
import type * as z from 'zod/mini';
import { narrow } from '../../../src/communication/policy.ts';
import { AppError } from '../../../src/platform/errors.ts';
import { table } from '../../../src/platform/settings/table.ts';
import { chooseTargets, type RotationRequest } from '../../../src/rotation/request.ts';
import '../../functions/registry.ts';

// Only after the registry does the Functions library find its core.
const { cancelRequest } = await import('../../../src/functions/cancelReplay.ts');
const { teamsRequest } = await import('../../../src/functions/exchangeTeamsToken.ts');
const { redriveRequest } = await import('../../../src/functions/redriveDeadLetters.ts');
const { rotationRequest } = await import('../../../src/functions/runRotation.ts');
const { cursorRequest } = await import('../../../src/functions/setCursor.ts');
const { replayRequest } = await import('../../../src/functions/startReplay.ts');
const { accessRequest } = await import('../../../src/functions/setUserAccess.ts');
const { tokenRequest } = await import('../../../src/functions/tokenRequest.ts');

export interface Body {
  readonly parsed: z.ZodMiniType;
  /** Keywords of the described schema that the handler leaves to a later judgement. */
  readonly byPolicy?: readonly string[];
  readonly taken: (value: unknown) => boolean;
}

/** The widest that settings allow. */
const policy = {
  scopes: table.TOKEN_SCOPES.parse('chat,voip,chat.join,chat.join.limited,voip.join') ?? [],
  ...{ minutesDefault: 60, minutesMax: 1440 },
};

const token: Body = {
  parsed: tokenRequest,
  byPolicy: ['enum', 'minimum', 'maximum'],
  taken: (value) => passes(tokenRequest, value, (request) => narrow(request, policy)),
};

export const bodies: Readonly<Record<string, Body>> = {
  issueToken: token,
  issueUserToken: token,
  exchangeTeamsToken: body(teamsRequest),
  setUserAccess: body(accessRequest),
  redriveDeadLetters: body(redriveRequest),
  startReplay: body(replayRequest),
  cancelReplay: body(cancelRequest),
  setCursor: body(cursorRequest),
  runRotation: {
    ...body(rotationRequest),
    taken: (value) =>
      passes(rotationRequest, value, (request) => chooseTargets(request, [targetOf(request)])),
  },
};

function body(parsed: z.ZodMiniType): Body {
  return { parsed, taken: (value) => passes(parsed, value) };
}

/** The one configured client, which the request means if it means any. */
function targetOf({ target: appId = 'x' }: RotationRequest): Parameters<typeof chooseTargets>[1][number] {
  const days = { validityDays: 90, beforeDays: 30, overlapHours: 168, retire: 'remove' } as const;
  return { id: 'x', client: { appId, tenantId: 'x', secretName: 'x', ...days } };
}

function passes<T>(
  shape: z.ZodMiniType<T>,
  value: unknown,
  judge: (parsed: T) => unknown = () => 0,
): boolean {
  const parsed = shape.safeParse(value);
  if (!parsed.success) return false;
  try {
    judge(parsed.data);
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid_request') return false;
    throw error;
  }
}
