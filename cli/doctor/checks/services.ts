// Graph, ACS, the DICOM services, the webhook and the issuer: one harmless request per permission.
import { createReader } from '../../../src/changeFeed/dicomChangeFeed.ts';
import { AcsClient } from '../../../src/communication/acsClient.ts';
import { AcsBudget } from '../../../src/communication/rateLimit.ts';
import { fetchKeys } from '../../../src/platform/issuerKeys.ts';
import type { Platform } from '../../../src/platform/platform.ts';
import { createRestClient } from '../../../src/platform/restClient.ts';
import type {
  CallerSettings,
  ChangeFeedSettings,
  CommunicationSettings,
  RotationSettings,
} from '../../../src/platform/settings/types.ts';
import { createGraphApplications, type Applications } from '../../../src/rotation/graphApplications.ts';
import { RotationProblem } from '../../../src/rotation/problems.ts';
import { rightsProblem } from '../../../src/rotation/refusals.ts';
import { figureOf } from '../../app/figures.ts';
import { fine, look, unproven, type Finding, type Looked } from '../finding.ts';

/** Time for one check. */
const checkMs = 30_000;
const limit = (): AbortSignal => AbortSignal.timeout(checkMs);

export function graphChecks(settings: RotationSettings, platform: Platform): readonly Promise<Finding>[] {
  const { graphEndpoint: endpoint, clients, credential } = settings;
  const { clock, httpClient } = platform;
  const graph = createGraphApplications({
    ...{ endpoint, credential: platform.credential(credential), clock, httpClient },
  });
  const appIds = [...new Set(clients.map(({ appId }) => appId))];
  return appIds.map((appId) => application(graph, appId));
}

async function application(graph: Applications, appId: string): Promise<Finding> {
  const known: Record<string, string | undefined> = { appId };
  return look(
    'graph',
    `Graph: read and change application ${appId}`,
    () => rights(graph, appId, known),
    known,
  );
}

async function rights(
  graph: Applications,
  appId: string,
  known: Record<string, string | undefined>,
): Promise<Looked> {
  try {
    await graph.read(appId, limit());
    const survey = await graph.survey(appId, limit());
    const problem = rightsProblem({ ...survey, time: 0 });
    if (problem) throw new RotationProblem(problem);
    if (survey.mayChange === 'every') return fine('readable; may change every application');
    if (survey.isOwner && survey.mayChange === 'owned') return fine('readable; an owner with the app role');
    const owner = survey.isOwner ? 'an owner' : 'no owner as far as can be seen';
    return unproven(`readable; ${owner}; the token does not say what it lets change, as a person's does not`);
  } finally {
    known['principal id'] = graph.identity()?.principalId;
  }
}

/** Of the form of an identity, and of no resource: it can be neither found nor touched. */
const nobody = `8:acs:${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}_${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}`;

/** Recorded answers of ACS: a caller without rights is `Denied` before anybody looks at the identity. */
export function communicationChecks(
  { resource, credential }: CommunicationSettings,
  platform: Platform,
): readonly Promise<Finding>[] {
  const client = new AcsClient({ resource, credential }, platform, new AcsBudget(platform.clock));
  return [
    look('communication', 'ACS: revoke tokens of nobody', async () => {
      const answer = await client.revoke(nobody, 'ordinary', limit());
      return answer === 'gone'
        ? fine()
        : unproven('ACS says that it revoked tokens of an identity that is none');
    }),
  ];
}

export function dicomChecks(settings: ChangeFeedSettings, platform: Platform): readonly Promise<Finding>[] {
  const { scope, services, credential } = settings;
  const { clock, random, httpClient } = platform;
  const auth = { credential: platform.credential(credential), scope };
  return services.map((service) =>
    look('dicom', `DICOM: read the change feed of ${new URL(service).host}`, async () => {
      const reader = createReader({ service, auth, httpClient, clock, random });
      const { entry } = await reader.latest({ signal: limit(), remainingMs: () => checkMs });
      return fine(entry ? `latest change ${entry.sequence}` : 'no change yet');
    }),
  );
}

export function webhookChecks(settings: ChangeFeedSettings, platform: Platform): readonly Promise<Finding>[] {
  const { webhook, credential } = settings;
  if (!webhook) return [];
  const delivery: Finding = {
    check: 'Webhook: deliver',
    ...unproven('not tried: whatever is sent may be taken for a change'),
  };
  const { auth } = webhook;
  if (auth.kind !== 'entra') return [Promise.resolve(delivery)];
  const token = look('webhook', 'Webhook: a token for its receiver', async () => {
    await platform.credential(credential).getToken(auth.scope);
    return fine();
  });
  return [token, Promise.resolve(delivery)];
}

export function issuerChecks({ issuer }: CallerSettings, platform: Platform): readonly Promise<Finding>[] {
  const client = createRestClient({ maxRetries: 1, httpClient: platform.httpClient });
  return [
    look('issuer', `Issuer: keys of ${new URL(issuer).host}`, async () => {
      const { keys } = await fetchKeys(issuer, client);
      return keys.length > 0 ? fine(figureOf(keys.length, 'key')) : unproven('it publishes no key');
    }),
  ];
}
