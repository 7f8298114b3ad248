// The options of `rotation`: what each means, and what is said about one that cannot be meant.
import { readWords, UsageError } from '../commandLine.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** As the route takes it. */
export interface RunRequest {
  readonly target?: string;
  readonly dryRun?: true;
  readonly force?: true;
  readonly revoke?: string;
  readonly reason?: string;
}

/** Where the app is and what opens it, as far as it was said: `readAccess` turns it into headers. */
export interface AccessOptions {
  /** Without a trailing slash; undefined: that of the local run. */
  readonly url: string | undefined;
  readonly key: string | undefined;
  readonly keyStdin: boolean;
  readonly bearerFile: string | undefined;
  readonly bearerCommand: string | undefined;
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

  --url <url>                the function app, https://<app>.azurewebsites.net, or FUNCTION_APP_URL;
                             default: the app of \`npm start\` (LOCAL_DIR), with its key
  --key-stdin                read the function key from stdin; or set FUNCTION_KEY, which counts beside a url
  --key <key>                the same; other users of this machine can see it, and the shell's history keeps it
  --bearer-file <path>       access token of an operator, where the app asks for the operators' role
  --bearer-command <line>    a command that prints such a token
  --json                     the app's answer as it is, on stdout
  --help                     this text

A function's own key opens one route: status is getRotations, plan and run are runRotation. A host key opens both.
Exit code: 0 fine, 1 a client failed or was refused, 2 wrong usage, 3 not reachable or not allowed, 4 another run is
at work or the time was up: run it again, 130 not confirmed, or interrupted: a run that was asked for goes on.

Examples:
  npm run rotation -- status
  FUNCTION_KEY=$(cat key.txt) npm run rotation -- plan --url https://func-telehealth.azurewebsites.net \\
    --bearer-command "az account get-access-token --scope api://telehealth/.default --query accessToken -o tsv"
  npm run rotation -- run --target dicom-client-secret --force --reason "the drill of November"
`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;
const specification = {
  ...{ target: text, force: flag, revoke: text, reason: text, yes: flag, json: flag, help: flag },
  ...{ url: text, key: text, 'key-stdin': flag, 'bearer-file': text, 'bearer-command': text },
};
type Values = ReturnType<typeof readWords<typeof specification>>['values'];

const commands = ['status', 'plan', 'run'] as const;
const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const longest = 500;

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
  const url = values.url ?? (environment['FUNCTION_APP_URL'] || undefined);
  const problems = [...requestProblems(command, values), ...accessProblems(values, url)];
  if (problems.length > 0) throw new UsageError(`${problems.join('\n')}\n--help lists the options.`);
  return {
    ...{ command, request: requestOf(command, values), json: values.json, yes: values.yes },
    access: {
      url: url?.replace(/\/+$/, ''),
      key: values.key ?? (url === undefined ? undefined : environment['FUNCTION_KEY'] || undefined),
      keyStdin: values['key-stdin'],
      bearerFile: values['bearer-file'],
      bearerCommand: values['bearer-command'],
    },
  };
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
    ...Object.entries({ target, reason })
      .filter(([, value]) => value !== undefined && (value.trim() === '' || value.length > longest))
      .map(([name]) => `--${name}: expected 1 to ${longest} characters`),
    ...where(
      revoke !== undefined && !guid.test(revoke),
      '--revoke: expected the key id of a credential, a GUID',
    ),
    ...where(
      revoke !== undefined && force,
      '--force: not together with --revoke, which makes a new secret where that is needed',
    ),
    ...where(
      command === 'run' && unusual && reason === undefined,
      '--reason: missing; expected a text that says why, for the audit record',
    ),
  ];
}

function where(condition: boolean, problem: string): readonly string[] {
  return condition ? [problem] : [];
}

function accessProblems(values: Values, url: string | undefined): readonly string[] {
  const fault = url === undefined ? undefined : urlFault(url);
  const name = values.url === undefined ? 'FUNCTION_APP_URL' : '--url';
  return [
    ...(fault === undefined ? [] : [`${name}: ${fault}`]),
    ...where(values.key !== undefined && values['key-stdin'], '--key: not together with --key-stdin'),
    ...where(
      values['bearer-file'] !== undefined && values['bearer-command'] !== undefined,
      '--bearer-file: not together with --bearer-command',
    ),
  ];
}

const expected = 'expected the address of the function app, such as https://<app>.azurewebsites.net';

/** What was found is not repeated: a key may be part of it. */
function urlFault(text: string): string | undefined {
  const url = URL.parse(text);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') return expected;
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    return `${expected}, without a key or anything else in it`;
  const isLoopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol === 'http:' && !isLoopback) return `${expected}: keys travel over https only`;
  return undefined;
}
