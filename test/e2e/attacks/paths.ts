// `{userId}` in the path: spellings that mean nobody, and spellings that must not mean somebody else.
import assert from 'node:assert/strict';
import { demo } from '../../../local/demo.ts';
import { identity } from '../../support/users.ts';
import { badRequest, byHost, key, noToken, trusted, type Attack, type Expected } from './attack.ts';

/** Made by the controls: the user of the application with an identity, whom none of these spellings may reach. */
export const ada = 'patient-ada-0815';

const trick = (says: string, path: string, expected: Expected, method = 'DELETE'): Attack => ({
  ...{ says, ...expected },
  request: (scene) => ({ method, target: `/api/users/${path}`, headers: trusted(scene) }),
});
const bad = { ...badRequest, detail: /userId/ };
const nobody = { status: 404, code: 'not_found' };

// Measured: the host decodes a segment once and leaves %2F and broken escapes, so that the handler cannot tell some of them
// from letters: what still holds an escape in the URL that the handler sees names nobody.
const escapes: readonly Attack[] = [
  ['a slash', `x%2F${ada}`],
  ['a slash in small letters', `x%2f..%2f${ada}`],
  ['a slash escaped twice', `x%252F${ada}`],
  ['a letter escaped twice', 'patient%252Dada-0815'],
  ['a letter of ASCII escaped as two bytes', '%C1%B0atient-ada'],
  ['a broken escape', `${ada}%zz`],
  ['half an escape', `${ada}%2`],
  ['bytes that are no UTF-8', `${ada}%ff`],
  ['a space', `${ada}%20`],
  ['a line break', `${ada}%0d%0aX-Injected:1`],
  ['a question mark', `${ada}%3Fx`],
  ['a hash', `${ada}%23x`],
  ['an umlaut', 'pati%C3%ABnt'],
  ['an umlaut of two characters', 'patie%CC%88nt'],
  ['a full-width letter', '%EF%BD%90atient-ada'],
  ['a Cyrillic letter', 'p%D0%B0tient-ada'],
  ['a dotless i', 'pat%C4%B1ent-ada'],
  ['nothing visible', `${ada}%E2%80%8B`],
  ['a mark that turns the direction', `%E2%80%AE${ada}`],
  ['an emoji', `${ada}%F0%9F%A9%BA`],
].map(([says = '', path = '']) => trick(`${says} in the user id`, path, bad));

const plain: readonly Attack[] = [
  ...[';x=y', '+', '*', ',x', '@clinic', ':x', '$', "'--", '(x)', '!', '&x', '=', '|x'].map((end) =>
    trick(`"${end}" behind the user id`, `${ada}${end}`, bad),
  ),
  trick('three dots', '...', bad),
  trick('257 characters', 'x'.repeat(257), bad),
  trick('nine thousand characters', 'x'.repeat(9_000), byHost(414)),
  // Measured: %00 is refused by the host; so is what cannot stand in a request line at all.
  trick('a NUL in the user id', `${ada}%00`, byHost(400)),
  trick('a raw space in the user id', `${ada} x`, byHost(400)),
  trick('raw letters beyond ASCII in the user id', 'patiënt', byHost(400)),
];

// Measured: the host resolves dot segments before it looks for a route, and takes no empty segment.
const dots: readonly Attack[] = [
  trick('no user id', '', byHost(404)),
  trick('one dot', '.', byHost(404)),
  trick('two dots', '..', byHost(404)),
  trick('two escaped dots', '%2e%2e', byHost(404)),
  trick('two dots and an escaped slash', `..%2f${ada}`, bad),
  trick('an empty segment before it', `/${ada}`, byHost(404)),
  trick('an empty segment behind it', `${ada}//tokens`, byHost(404)),
  trick('a segment more', `${ada}/x`, byHost(404)),
  trick('two dots that lead to a route of users', '../identity', {
    status: 403,
    code: 'forbidden',
    challenge: 'Bearer error="insufficient_scope"',
  }),
  {
    ...{ says: 'two dots that lead to a backend route, without its bearer', ...noToken },
    request: (scene) => ({
      method: 'DELETE',
      target: `/api/identity/../users/${ada}`,
      headers: [key(scene)],
    }),
  },
  {
    ...{ says: 'a Host header with a path of its own', ...bad },
    request: (scene) => ({
      ...{ method: 'DELETE', target: '/api/users/patient-bob' },
      headers: [['Host', `localhost/api/users/${ada}?`], ...trusted(scene)],
    }),
  },
  {
    ...{ says: 'the address of another server for a target', ...byHost(400) },
    request: (scene) => ({
      ...{ method: 'DELETE', target: `http://localhost/api/users/${ada}`, headers: trusted(scene) },
    }),
  },
];

const { tenantId, user } = demo;
const demoKey = `entra.${tenantId}.${user.oid}`;
/** Good ids of users who are not there: each its own row, however much it looks like that of somebody else. */
const lookalikes: readonly Attack[] = [
  ...[`app.${ada}`, `App.${ada}`, 'Patient-Ada', `${ada}.`, `.${ada}`, `${ada}~`, `${ada}-`, `~${ada}`],
  ...[demoKey.slice(6), `app.${demoKey}`, 'x'.repeat(256), 'constructor', '__proto__', 'toString'],
].map((userId) => trick(`"${userId.slice(0, 60)}", who is somebody else`, userId, nobody, 'GET'));

/** Nobody can sign in as one of these: who bans or erases under one has misspelt a key, and must be told. */
const misspelt: readonly Attack[] = [
  ...[`${demoKey}.`, `entra.${user.oid}`, `entra.${ada}`, `oidc.${ada}`],
  ...[demoKey.replaceAll('-', ''), `oidc.${demoKey}`, `OIDC.${'x'.repeat(43)}`],
].map((userId) => trick(`"${userId}", a misspelt key`, userId, bad));

const isDemoUser: Expected['served'] = ({ text }, scene) => {
  assert.equal(identity.parse(JSON.parse(text)).communicationUserId, scene.identityOfVictim());
};

/** Other spellings of one user, who is found by them: a ban under one of them must not miss him. */
const same: readonly Attack[] = [
  ['a key of Entra in capitals', demoKey.toUpperCase()],
  // RFC 3986: an escaped letter that needs no escape is that letter, and the host has decoded it (measured).
  ['needless escapes', demoKey.replaceAll('-', '%2D').replace('entra', 'entr%61')],
  ['an object id in capitals', `entra.${tenantId}.${user.oid.toUpperCase()}`],
  ['a slash behind the key', `${demoKey}/`],
  ['dots that lead back', `x/../${demoKey}`],
  ['a query behind the key', `${demoKey}?userId=${ada}&userId=x`],
].map(([says = '', path = '']) =>
  trick(`${says}, which is the same user`, path, { status: 200, served: isDemoUser }, 'GET'),
);

export const pathAttacks = [escapes, plain, dots, lookalikes, misspelt, same].flat();
