// Environments for the tests of the settings: each capability completely configured, and ways to read the outcome.
import assert from 'node:assert/strict';
import { parseSettings, settingProblems } from '../../../src/platform/settings/settings.ts';
import type { Environment } from '../../../src/platform/settings/reader.ts';
import type { CapabilityName, Settings } from '../../../src/platform/settings/types.ts';

export const guid = '7e1e4ea1-7000-4000-8000-000000000001';
export const entra = `https://login.microsoftonline.com/${guid}/v2.0`;
export const accountKey = 'Y2FuYXJ5LWFjY291bnQta2V5LWNhbmFyeQ==';
export const accountString = `DefaultEndpointsProtocol=https;AccountName=clinic;AccountKey=${accountKey};EndpointSuffix=core.windows.net`;

const storage = { AzureWebJobsStorage: accountString };

type Part = CapabilityName | 'telemetry';

export const environments: Readonly<Record<Part, Environment>> = {
  communication: {
    ...storage,
    COMMUNICATION_SERVICES_ENDPOINT: 'https://clinic.communication.azure.com',
    AUTH_BACKEND_ROLE: 'none',
    AUTH_ISSUER: entra,
    AUTH_AUDIENCE: 'api://clinic',
  },
  rotation: {
    ...storage,
    KEY_VAULT_URL: 'https://clinic.vault.azure.net',
    SERVICE_CLIENT_APP_ID: guid,
    SERVICE_CLIENT_TENANT_ID: guid,
    SERVICE_CLIENT_SECRET_NAME: 'dicom-client-secret',
    AUTH_OPERATOR_ROLE: 'none',
  },
  changeFeed: {
    ...storage,
    DICOM_SERVICE_URL: 'https://clinic-imaging.dicom.azurehealthcareapis.com',
    CHANGE_FEED_START: 'latest',
    AUTH_OPERATOR_ROLE: 'none',
  },
  telemetry: {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example',
    APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=${guid}`,
  },
};

/** Which part's environment to change so that a setting counts. */
export function capabilityOf(setting: string): Part {
  if (/^(OTEL|APPLICATIONINSIGHTS)_/.test(setting)) return 'telemetry';
  if (/^(KEY_VAULT|SERVICE_CLIENT|ROTATION|GRAPH|AUTH_OPERATOR|AZURE_AUTHORITY)/.test(setting))
    return 'rotation';
  return /^(DICOM|CHANGE_FEED)/.test(setting) ? 'changeFeed' : 'communication';
}

/** The problems of an environment, as `SETTING: words`. */
export function problemsOf(environment: Environment): readonly string[] {
  return settingProblems(parseSettings(environment)).map(({ setting, problem }) => `${setting}: ${problem}`);
}

/** The value of a capability that must be on. */
export function valueOf<C extends CapabilityName>(
  capability: C,
  environment: Environment,
): Extract<Settings[C], { state: 'on' }>['value'] {
  const section: Settings[C] = parseSettings(environment)[capability];
  assert.equal(section.state, 'on', JSON.stringify(section));
  return (section as Extract<Settings[C], { state: 'on' }>).value;
}
