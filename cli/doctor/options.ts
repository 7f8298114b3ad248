// The options of `doctor`: whether it asks a running app, or looks from this machine.
import {
  accessOf,
  accessProblems,
  accessSpecification,
  placeHelp,
  type AccessOptions,
  type Environment,
} from '../app/options.ts';
import { readOptions, UsageError } from '../commandLine.ts';
import { sourceHelp, sourceOf, sourceProblems, sourceSpecification, type Source } from '../here/source.ts';

export interface DoctorOptions {
  /** Undefined: the app is asked. */
  readonly source: Source | undefined;
  readonly access: AccessOptions;
  readonly json: boolean;
}

export const help = `Says what is wrong with the app and what mends it: the role, the command or the page of the portal.

  npm run doctor                              asks the app of \`npm start\`, or a deployed one (--url)
  npm run doctor -- --settings <path>         looks from this machine, with one harmless request per permission

Asked, the app tells its settings' problems, its timers, how each service behind it last fared, and its stored reports.
It asks no service for that: what nobody has used yet is unproven.

From this machine, as whoever the settings say (on a workstation: you, by \`az login\`):
${sourceHelp}
Nothing is changed and no secret's value is read: what cannot be shown without that is unproven.

${placeHelp}
  --json                     {"ok","findings"} in one line, each finding with what mends it, on stdout
  --help                     this text

One function key opens one route: a host key opens the three that are asked.
Exit code: 0 nothing is wrong, 1 something is, 2 wrong usage, 3 the app is not reachable or lets you not in,
130 interrupted.

Examples:
  npm run doctor
  npm run doctor -- --local
  FUNCTION_KEY=$(cat key.txt) npm run doctor -- --url https://func-telehealth.azurewebsites.net --json
`;

const specification = { ...accessSpecification, ...sourceSpecification };

/** Answers 'help' where that was asked for. Throws `UsageError`, which names every option that is wrong. */
export function readDoctorOptions(args: readonly string[], environment: Environment): DoctorOptions | 'help' {
  const values = readOptions(args, specification);
  if (values.help) return 'help';
  const source = sourceOf(values);
  const asked = ['url', 'key', 'key-stdin', 'bearer-file', 'bearer-command'] as const;
  const both = source && asked.filter((name) => values[name] !== undefined && values[name] !== false);
  const problems = [
    ...sourceProblems(values),
    ...(both ?? []).map((name) => `--${name}: only where the app is asked`),
    ...(source ? [] : accessProblems(values, environment)),
  ];
  if (problems.length > 0) throw new UsageError(`${problems.join('\n')}\n--help lists the options.`);
  return { source, access: accessOf(values, environment), json: values.json };
}
