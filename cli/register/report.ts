// What a registration prints: one line for each step, then the settings and commands to go on with; or one JSON document.
import type { Streams } from '../commandLine.ts';
import { clearLine, painted, progress, type Color, type Terminal } from '../terminal.ts';
import type { RegisterOptions } from './options.ts';
import type { Facts } from './steps.ts';
import type { Told } from './problems.ts';

export type LineState = 'there' | 'would' | 'done' | 'remains' | 'skipped';

export interface Line {
  readonly step: string;
  readonly state: LineState;
  readonly text: string;
}

export interface Ending {
  readonly dryRun: boolean;
  readonly changed: boolean;
  readonly steps: readonly Line[];
  readonly settings: Readonly<Record<string, string>>;
  /** What is left for a person to run. */
  readonly commands: readonly string[];
  readonly recorded: boolean;
}

const words: Readonly<Record<LineState, { readonly word: string; readonly color: Color }>> = {
  there: { word: 'already there', color: 'gray' },
  would: { word: 'would do', color: 'cyan' },
  done: { word: 'done', color: 'green' },
  remains: { word: 'not allowed', color: 'yellow' },
  skipped: { word: 'nothing to do', color: 'gray' },
};

export interface Reporter {
  /** A step that is under way; shown on a terminal alone and gone with the next line. */
  busy(text: string): void;
  line(line: Line): void;
  ending(ending: Ending): void;
  failure(told: Told, steps: readonly Line[]): void;
}

export function createReporter(streams: Streams, json: boolean, terminal: Omit<Terminal, 'asks'>): Reporter {
  const { live } = terminal;
  return {
    busy(text) {
      if (live && !json) streams.err(progress(text, terminal));
    },
    line({ state, text }) {
      if (json) return;
      const { word, color } = words[state];
      if (live) streams.err(clearLine);
      streams.out(`${painted(color, word.padEnd(14), terminal)} ${text}\n`);
    },
    ending(ending) {
      streams.out(json ? `${JSON.stringify(ending, null, 2)}\n` : prose(ending));
    },
    failure(told, steps) {
      if (live && !json) streams.err(clearLine);
      if (json) streams.out(`${JSON.stringify({ error: told, steps }, null, 2)}\n`);
      else streams.err(`${told.message}\n`);
    },
  };
}

function prose({ dryRun, changed, steps, settings, commands, recorded }: Ending): string {
  const remains = steps.some(({ state }) => state === 'remains');
  const summary = dryRun
    ? 'Dry run: nothing was changed.'
    : !changed
      ? 'Nothing was changed: everything that can be done here is in place.'
      : remains
        ? 'Done but for what is said above.'
        : 'Done.';
  const record =
    dryRun || !changed || recorded ? [] : ['No audit record was written: --audit-storage was not given.'];
  return [
    ...[summary, ...record, '', 'Settings of the function app:'],
    ...Object.entries(settings).map(([name, value]) => `  ${name}=${value}`),
    '',
    'What opens the DICOM service to the client is a role there ("DICOM Data Owner" for one that stores and deletes):',
    ...commands.map((command) => `  ${command}`),
    '',
  ].join('\n');
}

const standard = { graph: 'https://graph.microsoft.com', authority: 'https://login.microsoftonline.com' };

/** What the app needs to know; a default that holds is left out. */
export function settingsFor(
  options: RegisterOptions,
  tenantId: string,
  { application }: Facts,
): Record<string, string> {
  const { vaultUrl, secretName, validityDays, graphEndpoint, authorityHost } = options;
  return {
    KEY_VAULT_URL: vaultUrl,
    SERVICE_CLIENT_APP_ID: application?.appId ?? '<client id of the new application>',
    SERVICE_CLIENT_TENANT_ID: tenantId,
    SERVICE_CLIENT_SECRET_NAME: secretName,
    ...(validityDays === 90 ? {} : { ROTATION_VALIDITY_DAYS: String(validityDays) }),
    ...(graphEndpoint === standard.graph ? {} : { GRAPH_ENDPOINT: graphEndpoint }),
    ...(authorityHost === standard.authority ? {} : { AZURE_AUTHORITY_HOST: authorityHost }),
  };
}

export function commandsFor({ principal }: Facts): string[] {
  const assignee = principal?.id ?? '"<object id of its service principal>"';
  return [
    `az role assignment create --role "DICOM Data Reader" --assignee-object-id ${assignee} --assignee-principal-type ServicePrincipal --scope "<resource id>"`,
    'az resource list --resource-type Microsoft.HealthcareApis/workspaces/dicomservices --query "[].id"',
  ];
}
