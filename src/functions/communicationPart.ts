// Which routes of the token service exist, and whom they act for.
import type { Call } from '../platform/call.ts';
import type { CommunicationSettings, Section } from '../platform/settings/types.ts';
import { backendSubject, type Subject } from '../communication/communication.ts';
import type { AppContext, CommunicationPart } from './context.ts';

/** Self-service routes need somebody's tokens to believe; some of them a setting of their own as well. */
export function selfService(
  { communication }: AppContext,
  enabled: (settings: CommunicationSettings) => boolean = () => true,
): Section<CommunicationPart> {
  if (communication.state !== 'on') return communication;
  const { settings } = communication.value;
  return settings.callers && enabled(settings) ? communication : { state: 'off' };
}

/** The signed-in caller as the one whose identity is meant: never taken from the request itself. */
export async function signedIn(call: Call, part: CommunicationPart): Promise<Subject> {
  const { key, oid, issuedAt } = await part.callers().user(call);
  return { key, tokenIssuedAt: issuedAt, ...(oid === undefined ? {} : { oid }) };
}

/** A trusted backend and the user it names in the path. */
export async function backend(
  call: Call,
  part: CommunicationPart,
): Promise<{ actor: string; subject: Subject }> {
  const actor = await part.callers().trusted(call, part.settings.backendRole);
  return { actor, subject: backendSubject(call.param('userId')) };
}
