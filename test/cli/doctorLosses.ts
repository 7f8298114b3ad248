// What can be taken from the app's identity, one at a time, which checks of the doctor must fail then, and with what cure.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { demo } from '../../local/demo.ts';
import { cloud, type Circumstances } from './doctorScene.ts';

/** `takes` answers what gives it back; `times` is how many checks fail. */
export interface Loss extends Circumstances {
  readonly takes?: () => () => void;
  readonly check: RegExp;
  readonly cure: RegExp;
  readonly times?: number;
}

const fault = (rule: object) => () => {
  const id = cloud.faults.add(rule);
  return () => void cloud.faults.remove(id);
};
const without = (service: string, role: string) => fault({ service, effect: { revokePermission: role } });

function disowned(): () => void {
  const { owners } = cloud.directory.applications.get(demo.serviceClient.appId) ?? assert.fail();
  owners.clear();
  return () => owners.add(demo.managedIdentity.principalId);
}

/** Refuses requests of these methods to places that fit. */
function barred(path: RegExp, ...methods: readonly string[]): Pick<Loss, 'decide'> {
  const fits = ({ method = '', url = '' }: IncomingMessage): boolean =>
    methods.includes(method) && path.test(url);
  return { decide: (request) => (fits(request) ? 403 : undefined) };
}

const container = (name: string): RegExp => new RegExp(`^/devstoreaccount1/${name}/`);
const rows = (name: string): RegExp => new RegExp(`^/devstoreaccount1/${name}[(]`);

export const losses: Readonly<Record<string, Loss>> = {
  'reading the state': {
    ...{ ...barred(container('state'), 'HEAD'), check: /^Storage: read blobs in "state"$/ },
    cure: /--role "Storage Blob Data Contributor" --scope <the account or its container "state">/,
  },
  'writing the state': {
    ...{ ...barred(container('state'), 'PUT'), check: /^Storage: write blobs in "state"$/ },
    cure: /Storage Blob Data Contributor/,
  },
  'deleting from the state': {
    ...{ ...barred(container('state'), 'DELETE'), check: /^Storage: delete blobs in "state"$/ },
    cure: /Storage Blob Data Contributor/,
  },
  'reading the memory of the rotation': {
    ...{ ...barred(container('rotation'), 'HEAD'), check: /^Storage: read blobs in "rotation"$/ },
    cure: /--role "Storage Blob Data Contributor" --scope <the account or its container "rotation">/,
  },
  'writing the memory of the rotation': {
    ...{ ...barred(container('rotation'), 'PUT'), check: /^Storage: write blobs in "rotation"$/ },
    cure: /its container "rotation"/,
  },
  'writing the audit': {
    ...{ ...barred(container('audit'), 'PUT'), check: /^Storage: write blobs in "audit"$/ },
    cure: /"Storage Blob Data Contributor".*its container "audit"/,
  },
  'writing the deliveries': {
    ...{ ...barred(container('dicom-changes'), 'PUT'), check: /^Storage: write blobs in "dicom-changes"$/ },
    cure: /Storage Blob Data Contributor/,
  },
  'reading the directory of identities': {
    ...{ ...barred(rows('identities'), 'GET'), check: /^Storage: read rows in "identities"$/ },
    cure: /Storage Table Data Contributor/,
  },
  'writing the clean-ups': {
    ...{
      ...barred(rows('cleanups'), 'MERGE', 'PATCH', 'PUT', 'POST'),
      check: /^Storage: write rows in "cleanups"$/,
    },
    cure: /Storage Table Data Contributor/,
  },
  'deleting clean-ups': {
    ...{ ...barred(rows('cleanups'), 'DELETE'), check: /^Storage: delete rows in "cleanups"$/ },
    cure: /Storage Table Data Contributor/,
  },
  'writing cursors': {
    ...{
      ...barred(rows('cursors'), 'MERGE', 'PATCH', 'PUT', 'POST'),
      check: /^Storage: write rows in "cursors"$/,
    },
    cure: /Storage Table Data Contributor/,
  },
  'the queue': {
    ...{ ...barred(/^\/devstoreaccount1\/dicom-changes\?/, 'GET', 'HEAD', 'POST') },
    ...{ check: /^Storage: send to the queue/, cure: /Storage Queue Data Contributor/ },
  },
  'reading applications': {
    ...{ takes: without('graph', 'Application.ReadWrite.OwnedBy'), check: /^Graph: read and change/ },
    cure: /18a4783c-866b-4cc7-a460-3d5e5662c884/,
  },
  'owning the application': {
    ...{ takes: disowned, check: /^Graph: read and change/ },
    cure: new RegExp(
      `az ad app owner add --id ${demo.serviceClient.appId} --owner-object-id ${demo.managedIdentity.principalId}`,
    ),
  },
  'the vault': {
    ...{ takes: without('keyVault', 'Key Vault Secrets Officer'), check: /^Key Vault: / },
    ...{ cure: /az role assignment create --role "Key Vault Secrets Officer"/, times: 6 },
  },
  'the tokens of ACS': {
    takes: without('communication', 'Communication and Email Service Owner'),
    check: /^ACS: revoke tokens of nobody$/,
    cure: /"Communication and Email Service Owner"/,
  },
  'the DICOM service': {
    takes: without('dicom', 'DICOM Data Reader'),
    check: /^DICOM: read the change feed/,
    cure: /"DICOM Data Reader"/,
  },
  'the keys of the issuer': {
    takes: fault({ service: 'entra', path: 'openid-configuration', effect: { status: 404 } }),
    check: /^Issuer: keys of/,
    cure: /Check AUTH_ISSUER/,
  },
  'the signing key': {
    changes: { CHANGE_FEED_WEBHOOK_AUTH: `hmac:${demo.vaultUrl}/secrets/no-such-key` },
    check: /^Key Vault: list versions of "no-such-key"$/,
    cure: /Key Vault/,
  },
  'a right setting': {
    changes: { ROTATION_SCHEDULE: 'hourly' },
    check: /^Settings: (rotation|ROTATION_SCHEDULE)$/,
    ...{ cure: /Mend the settings that are named/, times: 2 },
  },
};
