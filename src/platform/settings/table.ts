// The one table of app settings: name, form, default and what is expected. Parsing, the sample and the README follow it.
import { isZonedTime } from '../clock.ts';
import { feedBudgetMaxSeconds, feedPageMax } from '../limits.ts';
import { dicomTag } from './dicomKeywords.ts';
import { applicationInsights, monitorSignIn, otlpEndpoint, otlpHeaders } from './exporters.ts';
import { ncrontab } from './ncrontab.ts';
import { guid, httpsOrigin, httpsUrl, integer, list, matches, oneOf, onOff, row, type Row } from './rows.ts';
import { explainClients, parseClients } from './serviceClients.ts';
import type {
  ChangeFeedStart,
  MetadataChoice,
  RequiredRole,
  SinkName,
  TokenScope,
  WebhookSettings,
} from './types.ts';
import { webhookAuth, webhookUrl } from './webhook.ts';

export { httpsOrigin, type Row } from './rows.ts';

const requiredRole = row<RequiredRole>('the value of an app role, or none', (text) =>
  text === 'none' ? 'none' : /^[\w.:-]{1,120}$/.test(text) ? { role: text } : undefined,
);

function schedule(fallback: string): Row<string> & { readonly fallback: string } {
  return { expects: 'an NCRONTAB expression with six fields', parse: ncrontab, fallback };
}

function start(text: string): ChangeFeedStart | undefined {
  if (text === 'beginning' || text === 'latest') return { kind: text };
  const sequence = /^sequence:(\d{1,16})$/.exec(text)?.[1];
  if (sequence !== undefined && Number.isSafeInteger(Number(sequence)))
    return { kind: 'sequence', sequence: Number(sequence) };
  const time = text.startsWith('time:') ? text.slice('time:'.length) : '';
  return isZonedTime(time) ? { kind: 'time', time } : undefined;
}

function metadata(text: string): MetadataChoice | undefined {
  if (text === 'none' || text === 'full') return { kind: text };
  // `None` has the form of a keyword, but whoever writes it means the word.
  if (/^(none|full)$/i.test(text)) return undefined;
  const tags = list(dicomTag)(text);
  return tags && { kind: 'selected', tags };
}

const credentialNames = [
  ...['dev', 'prod', 'EnvironmentCredential', 'WorkloadIdentityCredential', 'ManagedIdentityCredential'],
  ...[
    'VisualStudioCodeCredential',
    'AzureCliCredential',
    'AzurePowerShellCredential',
    'AzureDeveloperCliCredential',
  ],
];

const communicationString = (text: string): string | undefined => {
  // The SDK's own pattern is greedy and its error message repeats the whole string (measured): judged here first.
  const parts = /^endpoint=([^;]+);accesskey=([A-Za-z0-9+/]+={0,2});?$/i.exec(text);
  return parts?.[1] !== undefined && httpsOrigin(parts[1]) !== undefined ? text.replace(/;$/, '') : undefined;
};

const tokenScope = oneOf<TokenScope>('chat', 'voip', 'chat.join', 'chat.join.limited', 'voip.join');
/** The one spelling of a DICOM service's URL; undefined for what can be none. */
export const serviceUrl = httpsOrigin;

export const table = {
  AZURE_CLIENT_ID: row('a GUID', guid),
  COMMUNICATION_CLIENT_ID: row('a GUID', guid),
  ROTATION_CLIENT_ID: row('a GUID', guid),
  CHANGE_FEED_CLIENT_ID: row('a GUID', guid),
  AZURE_TOKEN_CREDENTIALS: row(`one of ${credentialNames.join(', ')}`, (text) =>
    credentialNames.find((name) => name.toLowerCase() === text.toLowerCase()),
  ),
  AZURE_AUTHORITY_HOST: row('an https URL without a path', httpsOrigin, 'https://login.microsoftonline.com'),
  AUTH_ISSUER: row(
    'an https URL, for Entra https://login.microsoftonline.com/<tenant GUID>/v2.0',
    (text) => httpsUrl(text) && text,
  ),
  AUTH_AUDIENCE: row(
    'one or several audiences, comma separated',
    list((text) => (text === '' ? undefined : text)),
  ),
  AUTH_REQUIRED_SCOPE: row('one delegated scope', matches(/^[\x21\x23-\x5b\x5d-\x7e]+$/), 'access_as_user'),
  AUTH_BACKEND_ROLE: requiredRole,
  AUTH_OPERATOR_ROLE: requiredRole,

  COMMUNICATION_SERVICES_ENDPOINT: row('https://<resource>.communication.azure.com', httpsOrigin),
  COMMUNICATION_SERVICES_CONNECTION_STRING: {
    ...row('endpoint=https://…/;accesskey=…', communicationString),
    secret: true,
  },
  TOKEN_SCOPES: row(
    'any of chat, voip, chat.join, chat.join.limited, voip.join, comma separated',
    list(tokenScope),
    'chat,voip',
  ),
  TOKEN_MINUTES_DEFAULT: integer(60, 1440, '60'),
  TOKEN_MINUTES_MAX: integer(60, 1440, '240'),
  TOKEN_REQUESTS_PER_MINUTE: integer(1, 100_000, '20'),
  SELF_ERASE: onOff('off'),
  TEAMS_CLIENT_ID: row('a GUID', guid),
  IDENTITY_REPAIR: onOff('off'),
  IDENTITY_CLEANUP_SCHEDULE: schedule('0 */5 * * * *'),

  KEY_VAULT_URL: row('https://<vault>.vault.azure.net', httpsOrigin),
  SERVICE_CLIENT_APP_ID: row('a GUID', guid),
  SERVICE_CLIENT_TENANT_ID: row('a GUID', guid),
  SERVICE_CLIENT_SECRET_NAME: row('1 to 127 letters, digits or hyphens', matches(/^[0-9a-zA-Z-]{1,127}$/)),
  SERVICE_CLIENTS: {
    ...row(
      'a JSON array of {"appId","tenantId","secretName","validityDays"?,"beforeDays"?,"overlapHours"?,"retire"?}',
      parseClients,
    ),
    explain: explainClients,
  },
  ROTATION_SCHEDULE: schedule('0 7 * * * *'),
  ROTATION_VALIDITY_DAYS: integer(1, 180, '90'),
  ROTATION_BEFORE_DAYS: integer(1, 179, '30'),
  ROTATION_OVERLAP_HOURS: integer(25, 4320, '168'),
  ROTATION_RETIRE: row('remove or expire', oneOf('remove', 'expire'), 'remove'),
  GRAPH_ENDPOINT: row('an https URL without a path', httpsOrigin, 'https://graph.microsoft.com'),

  DICOM_SERVICE_URL: row(
    'one or several https://<workspace>-<service>.dicom.azurehealthcareapis.com, comma separated',
    list(serviceUrl),
  ),
  DICOM_SCOPE: row(
    'a token scope ending in /.default',
    matches(/^https:\/\/\S+\/\.default$/),
    'https://dicom.healthcareapis.azure.com/.default',
  ),
  CHANGE_FEED_SCHEDULE: schedule('0 * * * * *'),
  CHANGE_FEED_START: row('beginning, latest, sequence:<number> or time:<ISO 8601 with zone>', start),
  CHANGE_FEED_SINKS: row(
    'any of blob, queue, webhook, comma separated',
    list(oneOf<SinkName>('blob', 'queue', 'webhook')),
    'blob',
  ),
  CHANGE_FEED_CONTAINER: row(
    'a container name',
    matches(/^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/),
    'dicom-changes',
  ),
  CHANGE_FEED_QUEUE: row('a queue name', matches(/^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/), 'dicom-changes'),
  CHANGE_FEED_WEBHOOK_URL: { ...row('an https URL without a user or a fragment', webhookUrl), secret: true },
  CHANGE_FEED_WEBHOOK_MODE: row(
    'structured or batched',
    oneOf<WebhookSettings['mode']>('structured', 'batched'),
    'structured',
  ),
  CHANGE_FEED_WEBHOOK_AUTH: {
    // Whoever takes the secret's place for its name must not see it in a log.
    ...row(
      'none, entra:<scope ending in /.default> or hmac:https://<vault>.vault.azure.net/secrets/<name>',
      webhookAuth,
      'none',
    ),
    secret: true,
  },
  CHANGE_FEED_METADATA: row(
    'none, full, or DICOM keywords or eight-digit tags, comma separated (a keyword not known here: by its tag)',
    metadata,
    'none',
  ),
  CHANGE_FEED_PAGE_SIZE: integer(1, feedPageMax, String(feedPageMax)),
  CHANGE_FEED_SETTLE_SECONDS: integer(1, 86_400, '60'),
  CHANGE_FEED_AUDIT_HOURS: integer(1, 8_760, '24'),
  // The quarter of it that replays have must leave time beside the reserve at its end.
  CHANGE_FEED_BUDGET_SECONDS: integer(30, feedBudgetMaxSeconds, '240'),

  OTEL_SERVICE_NAME: row(
    '1 to 100 letters, digits, . _ or -',
    matches(/^[\w.-]{1,100}$/),
    'telehealth-functions',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: row('an http or https URL without a query', otlpEndpoint),
  OTEL_EXPORTER_OTLP_HEADERS: {
    ...row('name=value pairs, comma separated, the values percent-encoded', otlpHeaders),
    secret: true,
  },
  OTEL_EXPORTER_OTLP_PROTOCOL: row('http/protobuf', oneOf('http/protobuf'), 'http/protobuf'),
  APPLICATIONINSIGHTS_CONNECTION_STRING: {
    ...row('InstrumentationKey=<GUID>;IngestionEndpoint=https://…', applicationInsights),
    secret: true,
  },
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: row(
    'Authorization=AAD, with ;ClientId=<GUID> for a user-assigned identity',
    monitorSignIn,
  ),
} as const satisfies Record<string, Row<unknown>>;

export type SettingName = keyof typeof table;

/** The three storage settings and the endings each may have instead of a connection string. */
export const storageNames = ['AzureWebJobsStorage', 'STATE_STORAGE', 'CHANGE_FEED_STORAGE'] as const;
export type StorageName = (typeof storageNames)[number];
export const storageParts = {
  accountName: row('a storage account name', matches(/^[a-z0-9]{3,24}$/)),
  blobServiceUri: row('an https URL without a path', httpsOrigin),
  queueServiceUri: row('an https URL without a path', httpsOrigin),
  tableServiceUri: row('an https URL without a path', httpsOrigin),
  credential: row('managedidentity', (text) => (text.toLowerCase() === 'managedidentity' ? text : undefined)),
  clientId: row('a GUID', guid),
} as const satisfies Record<string, Row<unknown>>;
export const storageConnectionString: Row<string> = {
  expects: 'a storage connection string, or <name>__accountName for sign-in with an identity',
  parse: connectionString,
  secret: true,
};

/** The forms that the storage clients take; anything else would fail at their first use, in each call anew. */
function connectionString(text: string): string | undefined {
  if (/^UseDevelopmentStorage=true;?$/.test(text)) return text;
  // The Tables client throws at a part that is no pair.
  if (!/^(?:\w+=[^;]*;)*(?:\w+=[^;]*)?$/.test(text)) return undefined;
  const has = (name: string): boolean => new RegExp(`(?:^|;)${name}=[^;]`).test(text);
  const endpoints = ['BlobEndpoint', 'QueueEndpoint', 'TableEndpoint'].every(has);
  const withKey =
    /(?:^|;)DefaultEndpointsProtocol=https?;/i.test(text) && ['AccountName', 'AccountKey'].every(has);
  const complete = withKey ? endpoints || has('EndpointSuffix') : endpoints && has('SharedAccessSignature');
  return complete ? text : undefined;
}
