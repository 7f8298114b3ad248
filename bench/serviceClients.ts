// As many service clients as a benchmark wants, each an application of its own: their setting, and their past.
import * as z from 'zod/mini';
import { demo } from '../local/demo.ts';
import { seedSecret } from '../local/seed.ts';
import type { Cloud } from '../local/standIns/cloud.ts';
import { eachAtOnce } from '../src/platform/concurrency.ts';

const seededAtOnce = 8;
const setting = z.array(z.object({ appId: z.string(), secretName: z.string() }));

/** Settings of the app with this many service clients, in place of the one of the sample. */
export function serviceClientSettings(count: number): Readonly<Record<string, string>> {
  const clients = Array.from({ length: count }, (_, index) => ({
    appId: `7e1e4ea1-7000-4000-9000-${String(index).padStart(12, '0')}`,
    tenantId: demo.tenantId,
    secretName: `client-secret-${index}`,
  }));
  const others = ['SERVICE_CLIENT_APP_ID', 'SERVICE_CLIENT_TENANT_ID', 'SERVICE_CLIENT_SECRET_NAME'];
  return {
    ...Object.fromEntries(others.map((name) => [name, ''])),
    SERVICE_CLIENTS: JSON.stringify(clients),
  };
}

/** Registers the clients of `SERVICE_CLIENTS`, each with a secret that is about to expire. */
export async function seedServiceClients(
  { SERVICE_CLIENTS }: NodeJS.ProcessEnv,
  cloud: Cloud,
): Promise<void> {
  const clients = setting.parse(JSON.parse(SERVICE_CLIENTS || '[]'));
  await eachAtOnce(clients, seededAtOnce, async ({ appId, secretName }) => {
    const application = cloud.directory.addApplication(secretName, { appId });
    application.owners.add(demo.managedIdentity.principalId);
    cloud.directory.addServicePrincipal(secretName, 'Application', { appId });
    await seedSecret(cloud, { appId, secretName, objectId: application.id });
  });
}
