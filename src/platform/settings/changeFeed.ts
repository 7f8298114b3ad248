// The settings of the change feed puller.
import { readCallers, readCredential, readRole } from './callers.ts';
import { complete } from './complete.ts';
import type { Reader } from './reader.ts';
import { readDeliveries, readState } from './storage.ts';
import type { ChangeFeedSettings, SinkName, WebhookSettings } from './types.ts';

export function readChangeFeed(reader: Reader): ChangeFeedSettings | undefined {
  const callers = readCallers(reader);
  const state = readState(reader);
  const sinks = reader.optional('CHANGE_FEED_SINKS');
  const webhook = readWebhook(reader, sinks);
  const parts = complete({
    services: reader.required('DICOM_SERVICE_URL'),
    scope: reader.optional('DICOM_SCOPE'),
    start: reader.required('CHANGE_FEED_START'),
    sinks,
    container: reader.optional('CHANGE_FEED_CONTAINER'),
    queue: reader.optional('CHANGE_FEED_QUEUE'),
    metadata: reader.optional('CHANGE_FEED_METADATA'),
    pageSize: reader.optional('CHANGE_FEED_PAGE_SIZE'),
    settleSeconds: reader.optional('CHANGE_FEED_SETTLE_SECONDS'),
    auditHours: reader.optional('CHANGE_FEED_AUDIT_HOURS'),
    budgetSeconds: reader.optional('CHANGE_FEED_BUDGET_SECONDS'),
    operatorRole: readRole(reader, 'AUTH_OPERATOR_ROLE', callers),
    state,
    deliveries: readDeliveries(reader, state),
  });
  reader.optional('CHANGE_FEED_SCHEDULE');
  const credential = readCredential(reader, 'CHANGE_FEED_CLIENT_ID');
  return parts && { ...parts, webhook, callers, credential };
}

function readWebhook(reader: Reader, sinks: readonly SinkName[] | undefined): WebhookSettings | undefined {
  const used = sinks?.includes('webhook') === true;
  const parts = complete({
    url: used ? reader.required('CHANGE_FEED_WEBHOOK_URL') : reader.optional('CHANGE_FEED_WEBHOOK_URL'),
    mode: reader.optional('CHANGE_FEED_WEBHOOK_MODE'),
    auth: reader.optional('CHANGE_FEED_WEBHOOK_AUTH'),
  });
  return used ? parts : undefined;
}
