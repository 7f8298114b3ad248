// A client of the DICOM stand-in as the app would be one: the Azure SDK's pipeline, signed in, at the real URL.
import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineRequest,
  createEmptyPipeline,
  type HttpMethods,
} from '@azure/core-rest-pipeline';
import { demo } from '../../local/demo.ts';
import type { Principal } from '../../local/standIns/claims.ts';
import { createDicom } from '../../local/standIns/dicom/dicom.ts';
import { createSubscriber } from '../../local/standIns/subscriber.ts';
import type { SubscriberEvent } from '../../local/standIns/subscriberEvents.ts';
import { startStandIns, type TestCloud } from './standIns.ts';

export interface DicomReply {
  readonly status: number;
  readonly text: string;
  /** The parsed body; undefined when it is no JSON. */
  readonly json: unknown;
  readonly header: (name: string) => string | undefined;
}

export interface DicomCall {
  readonly method?: HttpMethods;
  readonly body?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** The imaging gateway, a data owner, unless it is said. */
  readonly as?: Principal;
  readonly service?: string;
}

export interface DicomClient extends TestCloud {
  /** What the system downstream took at its webhook, in order. */
  readonly received: readonly SubscriberEvent[];
  call(path: string, call?: DicomCall): Promise<DicomReply>;
  /** Stores one file, which must go in. */
  store(file: Buffer, service?: string): Promise<void>;
}

export const secondDicomUrl = 'https://telehealth-archive.dicom.azurehealthcareapis.com';
export const dicomResource = 'https://dicom.healthcareapis.azure.com';

/**
 * Two services, the demo tenant's and a second one, and `more` by their hosts; the gateway owns them, the managed identity
 * reads. With a system downstream that takes webhooks.
 */
export async function startDicom(...more: readonly string[]): Promise<DicomClient> {
  const received: SubscriberEvent[] = [];
  const cloud = await startStandIns(({ directory, tokens, now }) => {
    directory.grant(demo.gateway.principalId, 'DICOM Data Owner');
    directory.grant(demo.managedIdentity.principalId, 'DICOM Data Reader');
    const [first, second] = [new URL(demo.dicomUrl).host, new URL(secondDicomUrl).host];
    const onEvents = (events: readonly SubscriberEvent[]): void => {
      received.push(...events);
    };
    return [
      createDicom({ directory, tokens, now, hosts: [first, second, ...more] }),
      createSubscriber({ now, url: demo.webhookUrl, onEvents }),
    ];
  });
  const call = (path: string, options: DicomCall = {}): Promise<DicomReply> => send(cloud, path, options);
  return {
    ...cloud,
    ...{ call, received },
    async store(file, service = demo.dicomUrl) {
      const headers = { 'content-type': 'application/dicom' };
      const { status, text } = await call('/v2/studies', { method: 'POST', body: file, headers, service });
      if (status !== 200) throw new Error(`stored with ${status}: ${text}`);
    },
  };
}

async function send(cloud: TestCloud, path: string, options: DicomCall): Promise<DicomReply> {
  const { method = 'GET', body, headers = {}, as = demo.gateway, service = demo.dicomUrl } = options;
  const pipeline = createEmptyPipeline();
  const scopes = [`${dicomResource}/.default`];
  pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential: cloud.credentialFor(as), scopes }));
  const request = createPipelineRequest({
    url: service + path,
    method,
    headers: createHttpHeaders(headers),
    ...(body ? { body } : {}),
  });
  const response = await pipeline.sendRequest(createDefaultHttpClient(), request);
  const text = response.bodyAsText ?? '';
  return { status: response.status, text, json: parsed(text), header: (name) => response.headers.get(name) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
