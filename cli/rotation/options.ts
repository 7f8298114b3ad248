// The options of `rotation`: what each means, and what is said about one that cannot be meant.
import {
  accessHelp,
  accessOf,
  accessProblems,
  accessSpecification,
  flag,
  reasonMissing,
  text,
  textProblems,
  where,
  type AccessOptions,
  type Environment,
} from '../app/options.ts';
import { readWords, UsageError } from '../commandLine.ts';

/** As the route takes it. */
export interface RunRequest {
  readonly target?: string;
  readonly dryRun?: true;
  readonly force?: true;
  readonly revoke?: string;
  readonly reason?: string;
}

export interface RotationOptions {
  readonly command: 'status' | 'plan' | 'run';
  readonly request: RunRequest;
  readonly access: AccessOptions;
  readonly json: boolean;
  readonly yes: boolean;
}

export const help = `Shows and runs the rotation of the service clients' secrets, through the routes of the app.

  npm run rotation -- status
  npm run rotation -- plan [--target <who>] [--force | --revoke <key id>]
  npm run rotation -- run  [--target <who>] [--force | --revoke <key id>] [--reason <text>]

  status                     the last report of each service client; asks neither Graph nor Key Vault
  plan                       looks, and says what a run would do now; changes nothing
  run                        does it, and waits for the outcome: up to three minutes

  --target <who>             client id of an application, or name of a secret; default: all service clients
  --force                    a new secret although none is due; the old one goes on working for the overlap
  --revoke <key id>          a leaked secret: a new one is made and proven, then this one is removed at once
  --reason <text>            why; goes into the audit record, and is needed for run with --force or --revoke
  --yes                      do not ask before --force or --revoke

${accessHelp}

A function's own key opens one route: status is getRotations, plan and run are runRotation. A host key opens both.
Exit code: 0 fine, 1 a client failed or was refused, 2 wrong usage, 3 not reachable or not allowed, 4 another run is
at work or the time was up: run it again, 130 not confirmed, or interrupted: a run that was asked for goes on.

Examples:
  npm run rotation -- status
  FUNCTION_KEY=$(cat key.txt) npm run rotation -- plan --url https://func-telehealth.azurewebsites.net \\
    --bearer-command "az account get-access-token --scope api://telehealth/.default --query accessToken -o tsv"
  npm run rotation -- run --target dicom-client-secret --force --reason "the drill of November"
`;

const specification = {
  ...accessSpecification,
  ...{ target: text, force: flag, revoke: text, reason: text, yes: flag },
};
type Values = ReturnType<typeof readWords<typeof specification>>['values'];

const commands = ['status', 'plan', 'run'] as const;
const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Answers 'help' where that was asked for. Throws `UsageError`, which names every option that is wrong. */
export function readRotationOptions(
  args: readonly string[],
  environment: Environment,
): RotationOptions | 'help' {
  const { values, positionals } = readWords(args, specification);
  if (values.help) return 'help';
  const command = commands.find((one) => one === positionals[0]);
  if (command === undefined || positionals.length > 1) {
    const found = positionals.length === 0 ? 'nothing' : `"${positionals.join(' ')}"`;
    throw new UsageError(`Expected status, plan or run; found ${found}. --help says what they do.`);
  }
  const problems = [...requestProblems(command, values), ...accessProblems(values, environment)];
  if (problems.length > 0) throw new UsageError(`${problems.join('\n')}\n--help lists the options.`);
  return {
    ...{ command, request: requestOf(command, values), json: values.json, yes: values.yes },
    access: accessOf(values, environment),
  };
}

/** Whether a run does what no timer would do, and so has to be confirmed. */
export function isUnusual({ command, request }: RotationOptions): boolean {
  return command === 'run' && (request.force === true || request.revoke !== undefined);
}

function requestOf(
  command: RotationOptions['command'],
  { target, force, revoke, reason }: Values,
): RunRequest {
  const unusual = force || revoke !== undefined;
  // The app wants a reason for these even where nothing is done that would be recorded.
  const why = reason ?? (command === 'plan' && unusual ? 'dry run' : undefined);
  return {
    ...(target === undefined ? {} : { target }),
    ...(command === 'plan' ? { dryRun: true } : {}),
    ...(force ? { force } : {}),
    ...(revoke === undefined ? {} : { revoke }),
    ...(why === undefined ? {} : { reason: why }),
  };
}

function requestProblems(command: RotationOptions['command'], values: Values): readonly string[] {
  const { target, force, revoke, reason } = values;
  const given = { target, force: force || undefined, revoke, reason };
  const named = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (command === 'status') return named.map((name) => `--${name}: only with plan and run`);
  const unusual = force || revoke !== undefined;
  return [
    ...textProblems('target', target),
    ...textProblems('reason', reason),
    ...where(
      revoke !== undefined && !guid.test(revoke),
      '--revoke: expected the key id of a credential, a GUID',
    ),
    ...where(
      revoke !== undefined && force,
      '--force: not together with --revoke, which makes a new secret where that is needed',
    ),
    ...where(command === 'run' && unusual && reason === undefined, reasonMissing),
  ];
}
