// Function keys and app roles: one without the other, and what looks like either.
import { demo } from '../../../local/demo.ts';
import {
  bearer,
  byHost,
  invalidToken,
  json,
  key,
  lacksScope,
  noToken,
  trusted,
  type Attack,
  type Expected,
  type Header,
  type Scene,
} from './attack.ts';
import { onTokens } from './headers.ts';

const good = ({ victim }: Scene): string => victim.jwt();
const user = '/api/users/patient-ada-0815';
const onUser = (
  says: string,
  expected: Expected,
  headers: (scene: Scene) => readonly Header[],
  target = user,
): Attack => ({
  ...{ says, ...expected },
  request: (scene) => ({
    method: 'DELETE',
    target: target.replace('{key}', key(scene)[1]),
    headers: headers(scene),
  }),
});
const role = (says: string, claims: object, expected: Expected = lacksScope): Attack =>
  onUser(says, expected, (scene) => [
    key(scene),
    bearer(scene.stranger.jwt({ claims: { ...app, ...claims } })),
  ]);
const app = { scp: undefined, idtyp: 'app', azp: demo.serviceClient.appId };
const backendOnly = (scene: Scene): Header => bearer(scene.backendBearer());

// Measured: a repeated `code` is joined like any repeated query key, and the header counts before it.
const keys: readonly Attack[] = [
  onTokens('the function key in place of a bearer', noToken, (scene) => [key(scene)]),
  onTokens('the master key in place of a bearer', noToken, ({ host }) => [
    ['x-functions-key', host.run.keys.master],
  ]),
  onTokens('the function key as a bearer', invalidToken, (scene) => [bearer(key(scene)[1])]),
  onUser("a backend's bearer without the key", byHost(401), (scene) => [backendOnly(scene)]),
  onUser("a backend's bearer as the key", byHost(401), (scene) => [
    ['x-functions-key', scene.backendBearer()],
  ]),
  onUser('a wrong key', byHost(401), (scene) => [['x-functions-key', 'wrong'], backendOnly(scene)]),
  onUser('an empty key', byHost(401), (scene) => [['x-functions-key', ''], backendOnly(scene)]),
  onUser('the key twice', byHost(401), (scene) => [key(scene), key(scene), backendOnly(scene)]),
  onUser('the key in another case', byHost(401), (scene) => [
    ...[['x-functions-key', key(scene)[1].toUpperCase()] as const, backendOnly(scene)],
  ]),
  onUser('the key in a cookie', byHost(401), (scene) => [
    ['Cookie', `code=${key(scene)[1]}`],
    backendOnly(scene),
  ]),
  onUser(
    'the key twice in the query',
    byHost(401),
    (scene) => [backendOnly(scene)],
    `${user}?code={key}&code={key}`,
  ),
  onUser(
    'a wrong key beside the key in the query',
    byHost(401),
    (scene) => [backendOnly(scene)],
    `${user}?code=a&code={key}`,
  ),
  onUser(
    'a wrong key in the header and the key in the query',
    byHost(401),
    (scene) => [...[['x-functions-key', 'wrong'] as const, backendOnly(scene)]],
    `${user}?code={key}`,
  ),
  onUser('the key alone where a role is asked for', noToken, (scene) => [key(scene)]),
  onUser('the key in the query and no bearer', noToken, () => [], `${user}?code={key}`),
  onUser("the key and a user's bearer", lacksScope, (scene) => [key(scene), bearer(good(scene))]),
  role('the key and an application without a role', { roles: [] }),
  role('the role in another case', { roles: ['clinic.backend'] }),
  role('a role that begins with ours', { roles: ['Clinic.Backend.Read'] }),
  role('the role as a text', { roles: 'Clinic.Backend' }),
  role('the role as a scope', { roles: undefined, scp: 'Clinic.Backend' }),
  role("the operators' role", { roles: ['Clinic.Operate'] }),
  role('the role in a token that has expired', { roles: ['Clinic.Backend'], exp: 1 }, invalidToken),
  role(
    'the role for another API',
    { roles: ['Clinic.Backend'], aud: 'https://graph.microsoft.com' },
    invalidToken,
  ),
  onUser('the role in a token that nobody signed', invalidToken, (scene) => [
    ...[key(scene), bearer(scene.backendBearer().replace(/[^.]+$/, 'AAAA'))],
  ]),
  onUser(
    "a user's route with the backend's role",
    lacksScope,
    (scene) => [backendOnly(scene)],
    '/api/identity',
  ),
  {
    ...{ says: 'an operation with the key alone', ...noToken },
    request: (scene) => ({ target: '/api/rotations', headers: [key(scene)] }),
  },
  {
    ...{ says: "an operation with the key and the backend's role", ...lacksScope },
    request: (scene) => ({ target: '/api/rotations', headers: trusted(scene) }),
  },
];

/** Measured: the host's own routes take the master key only, and tell a wrong one from one that is not enough. */
const admin = (says: string, expected: Expected, headers: (scene: Scene) => readonly Header[]): Attack => ({
  ...{ says, ...expected },
  request: (scene) => ({
    ...{ target: '/admin/functions/cleanUpIdentities', body: '{}' },
    headers: [json, ...headers(scene)],
  }),
});
const hosts: readonly Attack[] = [
  admin('a timer fired without a key', { status: 401, challenge: 'Bearer' }, () => []),
  admin('a timer fired with a good bearer', { status: 401, challenge: 'Bearer' }, (scene) => [
    bearer(good(scene)),
  ]),
  admin('a timer fired with the function key', byHost(403), (scene) => [key(scene)]),
];

export const keyAttacks = [...keys, ...hosts];
