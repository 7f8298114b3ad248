// The options of `register-service-client`: what each means, and what is said about one that cannot be meant.
import { Reader, type Environment } from '../../src/platform/settings/reader.ts';
import { storageParts, table, type Row } from '../../src/platform/settings/table.ts';
import { readOptions, UsageError } from '../commandLine.ts';

export interface RegisterOptions {
  /** Display name of the application; with `appId` it only matters for what is printed. */
  readonly name: string | undefined;
  readonly appId: string | undefined;
  readonly vaultUrl: string;
  readonly secretName: string;
  /** GUID or domain. */
  readonly tenant: string | undefined;
  /** Value or id of an app role or scope. */
  readonly dicomPermission: string | undefined;
  /** What tokens for the DICOM service are asked for, e.g. `https://dicom.healthcareapis.azure.com`. */
  readonly dicomResource: string;
  /** Object id, client id or name. */
  readonly functionIdentity: string | undefined;
  readonly validityDays: number;
  readonly auditStorage: string | undefined;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly deviceCode: boolean;
  readonly yes: boolean;
  readonly local: boolean;
  readonly graphEndpoint: string;
  readonly authorityHost: string;
}

export const help = `Registers a service client: the application that calls the DICOM service with a secret that this app rotates.

  npm run register-service-client -- --name <name> --vault-url <url> --secret-name <name> [options]

Needs no secret? A client that runs in Azure can use a managed identity, one outside it a federated credential.

  --name <text>               display name of the application, found or created
  --app-id <GUID>             use this existing registration instead
  --vault-url <url>           key vault that consumers read, https://<vault>.vault.azure.net
  --secret-name <name>        name of the secret in it
  --function-identity <who>   the function app's managed identity: object id, client id or name. It becomes an owner of
                              the application and gets the Graph app role Application.ReadWrite.OwnedBy
  --tenant <GUID or domain>   default: the tenant you are signed in to
  --dicom-permission <value>  which app role or scope of the DICOM API to ask for; default: the one there is
  --validity-days <1..180>    life of the first secret, default 90; under 37 the app needs a shorter ROTATION_BEFORE_DAYS too
  --audit-storage <url>       blob endpoint of the app's storage account: who registered what is recorded there
  --device-code               sign in with a code in a browser instead of \`az login\`
  --dry-run                   say what would be done, change nothing
  --yes                       do not ask before changing anything
  --json                      one JSON document on stdout
  --local                     against the stand-ins of \`npm start\` or \`npm run azure\` (LOCAL_DIR), as their demo
                              administrator, or as whom the page names with --device-code
  --help                      this text

Sovereign clouds: AZURE_AUTHORITY_HOST, GRAPH_ENDPOINT and DICOM_SCOPE, as in the app's settings.
Exit code: 0 everything is in place, 1 failed, 2 wrong usage, 3 done but for what somebody else has to do (it says what).
It can be run again at any time: what is in place is left as it is.

Examples:
  az login --tenant contoso.onmicrosoft.com
  npm run register-service-client -- --name "Imaging integration" --vault-url https://kv-imaging.vault.azure.net \\
    --secret-name dicom-client-secret --function-identity func-telehealth --dry-run
  npm run register-service-client -- --local --yes --name "Trial" --secret-name trial-secret \\
    --vault-url https://telehealth-demo.vault.azure.net --function-identity telehealth-functions
`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;
const specification = {
  ...{ name: text, 'app-id': text, 'vault-url': text, 'secret-name': text, tenant: text },
  ...{ 'dicom-permission': text, 'function-identity': text, 'validity-days': text, 'audit-storage': text },
  ...{ 'device-code': flag, 'dry-run': flag, yes: flag, json: flag, local: flag, help: flag },
};

const anyText: Row<string> = {
  expects: '1 to 120 characters',
  parse: (value) => (/^[^\p{Cc}]{1,120}$/u.test(value.trim()) ? value.trim() : undefined),
};
const tenantRow: Row<string> = {
  expects: 'a GUID or a domain',
  parse: (value) => (/^[\w-]+(\.[\w-]+)*$/.test(value) ? value.toLowerCase() : undefined),
};

/** Answers 'help' where that was asked for. Throws `UsageError`, which names every option that is missing or wrong. */
export function readRegisterOptions(
  args: readonly string[],
  environment: Environment,
): RegisterOptions | 'help' {
  const values = readOptions(args, specification);
  if (values.help) return 'help';
  const problems: string[] = [];
  const read = <T>(name: Exclude<keyof typeof values, FlagName>, row: Row<T>): T | undefined => {
    const given = values[name] ?? row.fallback;
    if (given === undefined) return undefined;
    const value = row.parse(given);
    if (value === undefined) problems.push(`--${name}: expected ${row.expects}`);
    return value;
  };
  const required = <T>(name: Exclude<keyof typeof values, FlagName>, row: Row<T>): T | undefined => {
    if (values[name] === undefined) problems.push(`--${name}: missing; expected ${row.expects}`);
    return read(name, row);
  };
  const vaultUrl = required('vault-url', table.KEY_VAULT_URL);
  const secretName = required('secret-name', table.SERVICE_CLIENT_SECRET_NAME);
  const appId = read('app-id', table.SERVICE_CLIENT_APP_ID)?.toLowerCase();
  const name = values['app-id'] === undefined ? required('name', anyText) : read('name', anyText);
  const chosen = {
    ...{ name, appId, tenant: read('tenant', tenantRow) },
    dicomPermission: read('dicom-permission', anyText),
    functionIdentity: read('function-identity', anyText),
    auditStorage: read('audit-storage', storageParts.blobServiceUri),
  };
  const validityDays = read('validity-days', table.ROTATION_VALIDITY_DAYS);
  const cloud = readCloud(environment, problems);
  if (vaultUrl === undefined || secretName === undefined || validityDays === undefined || problems.length > 0)
    throw new UsageError(`${problems.join('\n')}\n--help lists the options.`);
  const { 'dry-run': dryRun, 'device-code': deviceCode, json, yes, local } = values;
  return { ...chosen, ...cloud, vaultUrl, secretName, validityDays, dryRun, deviceCode, json, yes, local };
}

type FlagName = 'device-code' | 'dry-run' | 'yes' | 'json' | 'local' | 'help';

function readCloud(
  environment: Environment,
  problems: string[],
): Pick<RegisterOptions, 'graphEndpoint' | 'authorityHost' | 'dicomResource'> {
  const reader = new Reader(environment);
  const graphEndpoint = reader.optional('GRAPH_ENDPOINT') ?? '';
  const authorityHost = reader.optional('AZURE_AUTHORITY_HOST') ?? '';
  const dicomResource = (reader.optional('DICOM_SCOPE') ?? '').replace(/\/+\.default$/, '');
  problems.push(...reader.problems.map(({ setting, problem }) => `${setting}: ${problem}`));
  return { graphEndpoint, authorityHost, dicomResource };
}
