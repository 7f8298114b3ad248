// The parsed settings of the app, as the capabilities see them.
import type { Secret } from '../secret.ts';

export type CapabilityName = 'communication' | 'rotation' | 'changeFeed';

/** One bad or missing setting: never with the value of a secret. */
export interface SettingProblem {
  readonly setting: string;
  readonly problem: string;
}

/** A capability is off (not configured), wrong (routes answer 503, timers fail) or on. */
export type Section<T> =
  | { readonly state: 'off' }
  | { readonly state: 'misconfigured'; readonly problems: readonly SettingProblem[] }
  | { readonly state: 'on'; readonly value: T };

export type StorageSettings =
  | { readonly kind: 'connectionString'; readonly connectionString: Secret }
  | {
      readonly kind: 'identity';
      readonly blobUri: string;
      readonly queueUri: string;
      readonly tableUri: string;
      /** Client id of a user-assigned identity for this account. */
      readonly clientId?: string | undefined;
    };

/** An app role that a bearer must carry besides the function key, or none by explicit choice. */
export type RequiredRole = { readonly role: string } | 'none';

/** Which access tokens of callers are believed. */
export interface CallerSettings {
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** Delegated scope of a user's token. */
  readonly requiredScope: string;
}

export interface CredentialSettings {
  readonly clientId?: string | undefined;
  /** True where `IDENTITY_ENDPOINT` is set: the platform offers a managed identity. */
  readonly managedIdentity: boolean;
  /** `AZURE_TOKEN_CREDENTIALS` as given. */
  readonly tokenCredentials?: string | undefined;
}

export type TokenScope = 'chat' | 'voip' | 'chat.join' | 'chat.join.limited' | 'voip.join';

export interface CommunicationSettings {
  readonly resource:
    | { readonly kind: 'endpoint'; readonly endpoint: string }
    | { readonly kind: 'connectionString'; readonly endpoint: string; readonly connectionString: Secret };
  readonly scopes: readonly TokenScope[];
  readonly minutesDefault: number;
  readonly minutesMax: number;
  /** Per user and process. */
  readonly requestsPerMinute: number;
  /** Undefined: only the backend routes are registered. */
  readonly callers?: CallerSettings | undefined;
  readonly backendRole: RequiredRole;
  readonly selfErase: boolean;
  readonly teamsClientId?: string | undefined;
  readonly identityRepair: boolean;
  readonly state: StorageSettings;
  readonly credential: CredentialSettings;
}

export interface ServiceClientSettings {
  readonly appId: string;
  readonly tenantId: string;
  readonly secretName: string;
  readonly validityDays: number;
  readonly beforeDays: number;
  readonly overlapHours: number;
  readonly retire: 'remove' | 'expire';
}

export interface RotationSettings {
  /** Without a trailing slash. */
  readonly vaultUrl: string;
  readonly clients: readonly ServiceClientSettings[];
  readonly graphEndpoint: string;
  readonly authorityHost: string;
  readonly operatorRole: RequiredRole;
  readonly callers?: CallerSettings | undefined;
  readonly state: StorageSettings;
  readonly credential: CredentialSettings;
}

export type ChangeFeedStart =
  | { readonly kind: 'beginning' }
  | { readonly kind: 'latest' }
  | { readonly kind: 'sequence'; readonly sequence: number }
  /** ISO 8601 with its zone, as given. */
  | { readonly kind: 'time'; readonly time: string };

export type MetadataChoice =
  | { readonly kind: 'none' }
  | { readonly kind: 'full' }
  /** Eight hexadecimal digits each, in upper case. */
  | { readonly kind: 'selected'; readonly tags: readonly string[] };

export type SinkName = 'blob' | 'queue' | 'webhook';

export type WebhookAuth =
  | { readonly kind: 'none' }
  /** A bearer of the app's identity. */
  | { readonly kind: 'entra'; readonly scope: string }
  /** A signature with a key that the vault keeps. */
  | { readonly kind: 'hmac'; readonly vaultUrl: string; readonly secretName: string };

export interface WebhookSettings {
  /** May carry a signature or a key: never shown. */
  readonly url: Secret;
  /** One event a request, or several. */
  readonly mode: 'structured' | 'batched';
  readonly auth: WebhookAuth;
}

export interface ChangeFeedSettings {
  /** Normalised: lower-case host, no trailing slash. Each has a cursor of its own. */
  readonly services: readonly string[];
  readonly scope: string;
  readonly start: ChangeFeedStart;
  readonly sinks: readonly SinkName[];
  readonly container: string;
  readonly queue: string;
  /** Given where `sinks` has `webhook`. */
  readonly webhook?: WebhookSettings | undefined;
  readonly metadata: MetadataChoice;
  /** 1..100 sequences a page. */
  readonly pageSize: number;
  readonly settleSeconds: number;
  readonly auditHours: number;
  readonly budgetSeconds: number;
  readonly operatorRole: RequiredRole;
  readonly callers?: CallerSettings | undefined;
  readonly state: StorageSettings;
  readonly deliveries: StorageSettings;
  readonly credential: CredentialSettings;
}

/** NCRONTAB schedules with six fields; a timer of a misconfigured capability keeps the default. */
export interface Schedules {
  readonly cleanUpIdentities: string;
  readonly rotateSecrets: string;
  readonly pullChangeFeed: string;
}

/** Who may see the details of the app's health: the operators' role, where one was chosen. */
export interface OperationsSettings {
  readonly role: RequiredRole;
  readonly callers?: CallerSettings | undefined;
}

export interface OtlpSettings {
  /** Without a trailing slash. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, Secret>>;
}

export interface AzureMonitorSettings {
  readonly connectionString: Secret;
  /** Given where Azure Monitor asks for a sign-in: then the string alone lets nobody in. */
  readonly credential?: CredentialSettings | undefined;
}

/** At least one of the two places is given. */
export interface TelemetrySettings {
  readonly serviceName: string;
  readonly otlp?: OtlpSettings | undefined;
  readonly azureMonitor?: AzureMonitorSettings | undefined;
}

export interface Settings {
  readonly operations: Section<OperationsSettings>;
  readonly communication: Section<CommunicationSettings>;
  readonly rotation: Section<RotationSettings>;
  readonly changeFeed: Section<ChangeFeedSettings>;
  readonly telemetry: Section<TelemetrySettings>;
  readonly schedules: Schedules;
}
