// `POST /api/teams-tokens`: exchanges the caller's Teams token for an ACS token of the same Entra user.
import { selfService, signedIn } from './communicationPart.ts';
import type { AppContext } from './context.ts';
import { http } from './http.ts';
import * as z from 'zod/mini';
import { AppError } from '../platform/errors.ts';
import { Secret } from '../platform/secret.ts';

export const teamsRequest = z.strictObject({
  teamsToken: z.string().check(z.minLength(1, 'expected a token')),
});

export function exchangeTeamsToken(context: AppContext): void {
  http(context, {
    name: 'exchangeTeamsToken',
    method: 'POST',
    route: 'teams-tokens',
    authLevel: 'anonymous',
    section: selfService(context, ({ teamsClientId }) => teamsClientId !== undefined),
    handle: async (call, part) => {
      const subject = await signedIn(call, part);
      const request = await call.json(teamsRequest);
      if (!request) throw new AppError('invalid_request', 'Body: expected {"teamsToken"}.');
      return {
        status: 200,
        body: await part.service().exchangeTeams(subject, new Secret(request.teamsToken), call),
      };
    },
  });
}
