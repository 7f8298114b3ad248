// The options with which every command of the app says where the app is and what opens it.
import type { readWords } from '../commandLine.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the app is and what opens it, as far as it was said: `readAccess` turns it into headers. */
export interface AccessOptions {
  /** Without a trailing slash; undefined: that of the local run. */
  readonly url: string | undefined;
  readonly key: string | undefined;
  readonly keyStdin: boolean;
  readonly bearerFile: string | undefined;
  readonly bearerCommand: string | undefined;
}

/** For a command that says itself what `--json` prints. */
export const placeHelp = `  --url <url>                the function app, https://<app>.azurewebsites.net, or FUNCTION_APP_URL;
                             default: the app of \`npm start\` (LOCAL_DIR), with its key
  --key-stdin                read the function key from stdin; or set FUNCTION_KEY, which counts beside a url
  --key <key>                the same; other users of this machine can see it, and the shell's history keeps it
  --bearer-file <path>       access token of an operator, where the app asks for the operators' role
  --bearer-command <line>    a command that prints such a token`;
export const accessHelp = `${placeHelp}
  --json                     the app's answer as it is, on stdout
  --help                     this text`;

export const text = { type: 'string' } as const;
export const flag = { type: 'boolean', default: false } as const;
export const accessSpecification = {
  ...{ json: flag, help: flag },
  ...{ url: text, key: text, 'key-stdin': flag, 'bearer-file': text, 'bearer-command': text },
};
type Values = ReturnType<typeof readWords<typeof accessSpecification>>['values'];

/** What is wrong with them, each named; nothing of a key or token is repeated. */
export function accessProblems(values: Values, environment: Environment): readonly string[] {
  const url = urlOf(values, environment);
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

export function accessOf(values: Values, environment: Environment): AccessOptions {
  const url = urlOf(values, environment);
  return {
    url: url?.replace(/\/+$/, ''),
    key: values.key ?? (url === undefined ? undefined : environment['FUNCTION_KEY'] || undefined),
    keyStdin: values['key-stdin'],
    bearerFile: values['bearer-file'],
    bearerCommand: values['bearer-command'],
  };
}

function urlOf({ url }: Values, environment: Environment): string | undefined {
  return url ?? (environment['FUNCTION_APP_URL'] || undefined);
}

/** The longest text that the audit takes as a reason. */
export const longestReason = 500;

/** A text that the app takes, for an option that was given. */
export function textProblems(name: string, value: string | undefined): readonly string[] {
  return where(
    value !== undefined && (value.trim() === '' || value.length > longestReason),
    `--${name}: expected 1 to ${longestReason} characters`,
  );
}

export const reasonMissing = '--reason: missing; expected a text that says why, for the audit record';

export function where(condition: boolean, problem: string): readonly string[] {
  return condition ? [problem] : [];
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
