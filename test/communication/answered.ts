// The client of ACS with one answer to everything that it asks.
import { createHttpHeaders, type PipelineRequest, type PipelineResponse } from '@azure/core-rest-pipeline';
import { demo } from '../../local/demo.ts';
import { AcsClient } from '../../src/communication/acsClient.ts';
import { AcsBudget } from '../../src/communication/rateLimit.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { Secret } from '../../src/platform/secret.ts';
import { accessKey, cloud, endpoint } from '../local/standIns/communication/clients.ts';

/** The client of ACS alone, for a process that has sent these revocations and whose every request gets that status. */
export function answered(status: number, revocations = 0) {
  const sent: PipelineRequest[] = [];
  const sendRequest = async (request: PipelineRequest): Promise<PipelineResponse> => {
    sent.push(request);
    return { request, status, headers: createHttpHeaders() };
  };
  const clock = { ...systemClock, sleep: async () => undefined };
  const budget = new AcsBudget(clock);
  for (let counted = 0; counted < revocations; counted += 1) budget.take('revoke', 'reserved');
  const credential = () => cloud.credentialFor(demo.managedIdentity);
  const connectionString = new Secret(`endpoint=${endpoint}/;accesskey=${accessKey}`);
  const resource = { kind: 'connectionString', endpoint, connectionString } as const;
  const settings = { resource, credential: { managedIdentity: true } };
  const platform = { clock, credential, random: () => 0.5, httpClient: { sendRequest } };
  return { acs: new AcsClient(settings, platform, budget), sent };
}
