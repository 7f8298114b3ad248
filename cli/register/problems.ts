// What can stop a registration, in words for the person at the terminal: what is wrong, and the command or page that mends it.
import { signInErrorIn } from '../../src/platform/credential.ts';
import { isAppError } from '../../src/platform/errors.ts';
import { RotationProblem, problemOf, type Problem, type ProblemCode } from '../../src/rotation/problems.ts';
import { UsageError } from '../commandLine.ts';

/** Its message is all that is shown: never an upstream's words beyond codes and request ids. */
export class RegisterProblem extends Error {
  override readonly name = 'RegisterProblem';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export function refusal({ code, message, advice }: Problem): RegisterProblem {
  return new RegisterProblem(code, `${message}\n${advice}`);
}

/** The rotation speaks of the app's identity; here it is the operator who is refused. */
const own: Partial<Record<ProblemCode, string>> = {
  graph_denied:
    'Microsoft Graph does not let you read the application.\nSign in as a member of the tenant: az login --tenant <tenant>.',
  graph_write_denied:
    'Microsoft Graph does not let you add a secret to the application.\nYou need to be its owner or an Application Administrator (Entra portal, Roles and administrators).',
  vault_denied:
    'Key Vault refuses you.\naz role assignment create --role "Key Vault Secrets Officer" --assignee <your object id> --scope <vault resource id> (a new assignment takes some minutes).',
  vault_firewall:
    'The firewall of the key vault refuses this machine.\nAllow its address: az keyvault network-rule add --name <vault> --ip-address <address>.',
  vault_tenant:
    'Key Vault does not accept your token: the vault belongs to another tenant.\nCheck --vault-url and --tenant: az keyvault show --name <vault> --query properties.tenantId.',
  deleted_unreadable:
    'You may not read the deleted secrets of the vault, so that a first secret might go where one is soft-deleted.\naz role assignment create --role "Key Vault Secrets Officer" --assignee <your object id> --scope <vault resource id>.',
};

export interface Told {
  readonly code: string;
  readonly message: string;
}

/** Whatever was thrown, as code and words that may be shown. */
export function tell(error: unknown): Told {
  if (error instanceof UsageError) return { code: 'usage', message: error.message };
  if (error instanceof RegisterProblem) return { code: error.code, message: error.message };
  const signIn = signInErrorIn(error);
  if (signIn) return { code: 'sign_in_failed', message: signIn.message };
  if (error instanceof RotationProblem) {
    const { code, message, advice } = problemOf(error.problem);
    return { code, message: own[error.problem] ?? `${message}\n${advice}` };
  }
  if (isAppError(error)) return { code: error.code, message: error.message };
  const name = error instanceof Error ? error.name : typeof error;
  return { code: 'internal', message: `An unexpected error ended the registration (${name}).` };
}
