// Makes one call of the token service for a user, as a command says.
import { Secret } from '../../../src/platform/secret.ts';
import type { TestProcess, World } from '../world.ts';
import { subjectOf, type UserCommand } from './commands.ts';

type Context = ReturnType<World['context']>;

/** Calls the service; of what it answers, everything that can be foretold. */
export async function perform(
  process: TestProcess,
  command: UserCommand,
  context: Context,
  world: World,
): Promise<unknown> {
  const subject = subjectOf(command, world.storeTime);
  switch (command.kind) {
    case 'issue': {
      const { token, user, scopes, endpoint } = await process.issue(subject, command.request, context);
      return { identity: user.communicationUserId, token, scopes, endpoint };
    }
    case 'revoke':
      return process.revoke(subject, context);
    case 'revokeAll':
      return process.revokeAll(subject, 'key', context);
    case 'setAccess':
      return process.setAccess(subject, { enabled: command.enabled }, 'key', context);
    case 'erase':
      return process.erase(subject, 'key', context);
    case 'identity':
      return process.identity(subject, context);
    case 'exchange':
      return (await process.exchangeTeams(subject, new Secret('teams'), context)).token;
  }
}
