// How long a deployment has things kept: audit records under a policy, deliveries and claim checks until their rules.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { made, type Made } from './made.ts';

test('an audit record is kept from change and deletion, unless the policy is a locked one by now', () => {
  const policies = ({ of }: Made) =>
    of('Storage/storageAccounts/blobServices/containers/immutabilityPolicies');
  const [policy, ...more] = policies(made({ AUDIT_DAYS: '3650', DEPLOY_CHANGE_FEED: 'false' }));
  assert.deepEqual(more, []);
  assert.match(policy?.name ?? '', /^ststateu\w{12}\/default\/audit\/default$/);
  assert.deepEqual(policy?.body['properties'], {
    ...{ immutabilityPeriodSinceCreationInDays: 3650, allowProtectedAppendWrites: false },
  });
  assert.deepEqual(policies(made({ AUDIT_LOCKED: 'true' })), []);
});

interface Rule {
  readonly name: string;
  readonly enabled: boolean;
  readonly type: string;
  readonly definition: unknown;
}

/** The rules by which blobs expire. */
function rulesOf(variables: Readonly<Record<string, string>>): readonly Rule[] {
  const { of, token } = made(variables);
  const [policy, ...more] = of('Storage/storageAccounts/managementPolicies');
  if (!policy) return [];
  assert.deepEqual([policy.name, more], [`stdeliv${token}/default`, []]);
  return (policy.body['properties'] as { policy: { rules: Rule[] } }).policy.rules;
}

test('of each DICOM service the deliveries expire after their days and its claim checks after theirs', () => {
  const service = (name: string): string =>
    `/subscriptions/s/resourceGroups/g/providers/Microsoft.HealthcareApis/workspaces/w/dicomservices/${name}`;
  const rules = rulesOf({
    ...{ DICOM_SERVICE_IDS: `${service('one')}, ${service('two')}`, CHANGE_FEED_CONTAINER: 'images' },
    ...{ DELIVERY_DAYS: '30', CLAIM_DAYS: '60' },
  });
  const definition = (host: string, days: number, prefixes: readonly string[]): unknown => ({
    filters: {
      blobTypes: ['blockBlob'],
      prefixMatch: prefixes.map((prefix) => `images/${host}.dicom.azurehealthcareapis.com/${prefix}`),
    },
    actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: days } } },
  });
  const deliveries = ['late/', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
  assert.deepEqual(
    rules.map((rule) => rule.definition),
    [
      definition('w-one', 30, deliveries),
      definition('w-two', 30, deliveries),
      definition('w-one', 60, ['claims/', 'replay/']),
      definition('w-two', 60, ['claims/', 'replay/']),
    ],
  );
  assert.equal(new Set(rules.map(({ name }) => name)).size, rules.length);
  for (const { enabled, type } of rules) assert.deepEqual([enabled, type], [true, 'Lifecycle']);
});

test('what is to be kept has no rule, and where nothing is written there is none', () => {
  const names = (variables: Readonly<Record<string, string>>): readonly unknown[] =>
    rulesOf(variables).map(({ name }) => name.split('-')[0]);
  assert.deepEqual(names({}), ['deliveries']);
  assert.deepEqual(names({ DELIVERY_DAYS: '0', CLAIM_DAYS: '1' }), ['claims']);
  assert.deepEqual(names({ DELIVERY_DAYS: '0' }), []);
  assert.deepEqual(names({ CHANGE_FEED_SINKS: 'webhook' }), []);
});
