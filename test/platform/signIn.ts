// Child process of the credential's test: signs in as the environment says and prints how that went, as JSON.
import { systemClock } from '../../src/platform/clock.ts';
import { createCredential } from '../../src/platform/credential.ts';
import { Reader } from '../../src/platform/settings/reader.ts';
import { readCredential } from '../../src/platform/settings/callers.ts';

const settings = readCredential(new Reader(process.env), 'ROTATION_CLIENT_ID');
const credential = createCredential(settings, systemClock);
try {
  const scope = 'https://vault.azure.net/.default';
  const all = await Promise.all([
    credential.getToken(scope),
    credential.getToken(scope),
    credential.getToken(scope),
  ]);
  process.stdout.write(JSON.stringify({ tokens: all.map((one) => one?.token) }));
} catch (error) {
  const { name, message, cause } = error as Error;
  process.stdout.write(JSON.stringify({ name, message, cause: String(cause) }));
}
