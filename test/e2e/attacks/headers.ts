// Where a token or a key is put that does not belong there, and what HTTP lets people say twice or wrongly.
import assert from 'node:assert/strict';
import { demo } from '../../../local/demo.ts';
import {
  asVictim,
  bearer,
  byHost,
  invalidToken,
  noToken,
  type Attack,
  type Expected,
  type Header,
  type Scene,
} from './attack.ts';

export const onTokens = (
  says: string,
  expected: Expected,
  headers: (scene: Scene) => readonly Header[],
  target: (scene: Scene) => string = () => '/api/tokens',
): Attack => ({
  ...{ says, ...expected },
  request: (scene) => ({ target: target(scene), headers: headers(scene) }),
});
const good = ({ victim }: Scene): string => victim.jwt();

const headers: readonly Attack[] = [
  onTokens('nothing at all', noToken, () => []),
  onTokens('a bearer without a token', invalidToken, () => [['Authorization', 'Bearer']]),
  onTokens('a token without a scheme', invalidToken, (scene) => [['Authorization', good(scene)]]),
  ...['Basic', 'Digest', 'DPoP', 'Negotiate', 'Bearer token=', 'Bearer:'].map((scheme) =>
    onTokens(`a good token after "${scheme}"`, invalidToken, (scene) => [
      ['Authorization', `${scheme} ${good(scene)}`],
    ]),
  ),
  onTokens('two bearers in one header', invalidToken, (scene) => [
    bearer(`${scene.stranger.jwt()}, Bearer ${good(scene)}`),
  ]),
  onTokens('two tokens after one scheme', invalidToken, (scene) => [bearer(`${good(scene)} ${good(scene)}`)]),
  // Measured: the host joins repeated headers with a comma, so that either could be meant.
  onTokens('a good bearer, then another', invalidToken, (scene) => [
    ...[bearer(good(scene)), bearer(scene.stranger.jwt())],
  ]),
  onTokens('another bearer, then a good one', invalidToken, (scene) => [
    ...[bearer(scene.stranger.jwt()), ['authorization', `Bearer ${good(scene)}`] as const],
  ]),
  onTokens('the same good bearer twice', invalidToken, (scene) => [bearer(good(scene)), bearer(good(scene))]),
  onTokens('Basic and a good bearer', invalidToken, (scene) => [
    ...[['Authorization', 'Basic dXNlcjpwYXNzd29yZA=='] as const, bearer(good(scene))],
  ]),
  onTokens('a bearer longer than any real one', invalidToken, ({ stranger }) => [
    bearer(stranger.jwt({ claims: { filler: 'x'.repeat(17_000) } })),
  ]),
  onTokens('more headers than the host takes', byHost(431), (scene) => [
    ...[bearer(good(scene)), ['X-Filler', 'x'.repeat(33_000)] as const],
  ]),
  onTokens('a bearer with letters beyond ASCII', invalidToken, (scene) => [bearer(`${good(scene)}é`)]),
  // Node's parser refuses these three before the host sees them, as the real host's web server does.
  onTokens('a header folded over two lines', byHost(400), (scene) => [
    ['Authorization', `Bearer\r\n ${good(scene)}`],
  ]),
  onTokens('a space before the colon', byHost(400), (scene) => [['Authorization ', `Bearer ${good(scene)}`]]),
  onTokens('a NUL in the header', byHost(400), (scene) => [['Authorization', `Bearer \0${good(scene)}`]]),
];

const elsewhere: readonly Attack[] = [
  onTokens(
    'the bearer in the query',
    noToken,
    () => [],
    (scene) => `/api/tokens?access_token=${good(scene)}`,
  ),
  onTokens(
    'the header in the query',
    noToken,
    () => [],
    (scene) => `/api/tokens?Authorization=Bearer%20${good(scene)}`,
  ),
  onTokens('the bearer in a cookie', noToken, (scene) => [
    ['Cookie', `access_token=${good(scene)}; AppServiceAuthSession=${good(scene)}`],
  ]),
  ...['Proxy-Authorization', 'X-Authorization', 'X-Forwarded-Authorization', 'X-ZUMO-AUTH'].map((name) =>
    onTokens(`the bearer in ${name}`, noToken, (scene) => [[name, `Bearer ${good(scene)}`]]),
  ),
  onTokens('the token where App Service would put it', noToken, (scene) => [
    ...(['X-MS-TOKEN-AAD-ACCESS-TOKEN', 'X-MS-TOKEN-AAD-ID-TOKEN'] as const).map((name): Header => [
      name,
      good(scene),
    ]),
  ]),
  {
    ...{ says: 'the bearer in the body', ...noToken },
    request: (scene) => ({
      ...{ target: '/api/tokens', body: `access_token=${good(scene)}` },
      headers: [['Content-Type', 'application/x-www-form-urlencoded']],
    }),
  },
];

/** As App Service writes it when its sign-in module is on, for the claims of a user. */
function principal(oid: string): readonly Header[] {
  const type = 'http://schemas.microsoft.com/identity/claims';
  const claims = [
    { typ: `${type}/objectidentifier`, val: oid },
    { typ: `${type}/tenantid`, val: demo.tenantId },
    { typ: `${type}/scope`, val: 'access_as_user' },
  ];
  const told = { auth_typ: 'aad', name_typ: 'name', role_typ: 'roles', claims };
  return [
    ['X-MS-CLIENT-PRINCIPAL', Buffer.from(JSON.stringify(told)).toString('base64')],
    ['X-MS-CLIENT-PRINCIPAL-ID', oid],
    ['X-MS-CLIENT-PRINCIPAL-NAME', 'nurse@clinic.example'],
    ['X-MS-CLIENT-PRINCIPAL-IDP', 'aad'],
  ];
}

const principals: readonly Attack[] = [
  onTokens('a forged principal', noToken, ({ victim }) => principal(victim.oid)),
  onTokens('the id of a forged principal alone', noToken, ({ victim }) => principal(victim.oid).slice(1, 2)),
  onTokens('a principal that is no JSON', noToken, () => [['X-MS-CLIENT-PRINCIPAL', 'bm8ganNvbg==']]),
  onTokens('a forged principal beside a bad bearer', invalidToken, ({ victim, stranger }) => [
    ...[...principal(victim.oid), bearer(stranger.jwt({ claims: { exp: 1 } }))],
  ]),
  {
    ...asVictim(
      "a stranger's principal beside a good bearer, which alone counts",
      { status: 200 },
      {
        ...{
          method: 'GET',
          target: '/api/identity',
          headers: principal('9a1e4ea1-7000-4000-8000-00000000cafe'),
        },
      },
    ),
    served: ({ text }, { victim }) => {
      assert.match(text, /"communicationUserId":"8:acs:/);
      assert.ok(!text.includes(victim.oid));
    },
  },
];

export const headerAttacks = [headers, elsewhere, principals].flat();
