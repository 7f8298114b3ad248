// What app settings a deployment ends up with, as the templates make them (madeApp.test.ts), for tests to ask.
import rows from '../../infra/appSettings.json' with { type: 'json' };

export interface Choices {
  readonly communication: boolean;
  readonly rotation: boolean;
  readonly changeFeed: boolean;
  /** Other settings, by name. */
  readonly settings: Readonly<Record<string, string>>;
}

export const settingRows = rows;

const account = (name: string, kind: string): string => `https://${name}.${kind}.core.windows.net/`;
const id = (last: number): string => `7e1e4ea1-7000-4000-8000-00000000000${last}`;

/** Values as Azure gives them, by `from`. */
export const known: Readonly<Record<string, string>> = {
  managedIdentity: 'managedidentity',
  hostBlobs: account('sthostabc', 'blob'),
  hostClientId: id(1),
  insightsConnection: `InstrumentationKey=${id(9)};IngestionEndpoint=https://x.in.applicationinsights.azure.com/`,
  insightsSignIn: `ClientId=${id(1)};Authorization=AAD`,
  stateBlobs: account('ststateabc', 'blob'),
  stateQueues: account('ststateabc', 'queue'),
  stateTables: account('ststateabc', 'table'),
  otlpProtocol: 'http/protobuf',
  serviceName: 'func-abc',
  authorityHost: 'https://login.microsoftonline.com',
  operatorRole: 'none',
  backendRole: 'none',
  communicationClientId: id(2),
  communicationEndpoint: 'https://acs-abc.europe.communication.azure.com',
  rotationClientId: id(3),
  keyVaultUrl: 'https://kvs-abc.vault.azure.net',
  changeFeedClientId: id(4),
  dicomServiceUrls: 'https://hdwabc-dicom.dicom.azurehealthcareapis.com',
  changeFeedStart: 'beginning',
  deliveryBlobs: account('stdelivabc', 'blob'),
  deliveryQueues: account('stdelivabc', 'queue'),
  deliveryTables: account('stdelivabc', 'table'),
  webhookUrl: 'https://receiver.example/changes?code=x',
  webhookAuth: 'hmac:https://kvw-abc.vault.azure.net/secrets/webhook-key',
};

/** The app settings after a deployment; a reference to a key vault is already followed. */
export function deployed(
  { settings, ...on }: Choices,
  given: Readonly<Record<string, string>> = known,
): Record<string, string> {
  const valueOf = (name: string): string =>
    settings[name] ?? rows.find((row) => row.name === name)?.default ?? '';
  const sinks = valueOf('CHANGE_FEED_SINKS').split(',');
  const parts: Readonly<Record<string, boolean>> = {
    ...{ always: true, ...on },
    serviceClients: on.rotation && valueOf('SERVICE_CLIENT_APP_ID') + valueOf('SERVICE_CLIENTS') !== '',
    receiver: valueOf('OTEL_EXPORTER_OTLP_ENDPOINT') !== '',
    webhook: on.changeFeed && sinks.includes('webhook'),
  };
  const wanted = rows
    .filter(({ when }) => parts[when])
    .map((row) => ({ ...row, value: row.from === '' ? valueOf(row.name) : (given[row.from] ?? '') }))
    .filter((row) => row.value !== '' && row.value !== row.default);
  return Object.fromEntries(wanted.map(({ name, value }) => [name, value]));
}
