// What our own Graph token says of our rights, and what it does not say.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnsecuredJWT } from 'jose';
import { identityIn, watch } from '../../src/rotation/graphSurvey.ts';

const oid = '7E1E4EA1-7000-4000-8000-000000000003';
const token = (claims: Readonly<Record<string, unknown>>): string =>
  new UnsecuredJWT({ oid, ...claims }).encode();
const own = 'Application.ReadWrite.OwnedBy';
const appOnly = '0997a1d0-0d1d-4acb-b408-d5ca73121e90';
const administrator = '9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3';

test('the roles of a token say which applications it may change, as far as they do', () => {
  const cases: [Readonly<Record<string, unknown>>, 'every' | 'owned' | 'none' | undefined][] = [
    [{ roles: [own] }, 'owned'],
    [{ roles: [own], wids: [appOnly] }, 'owned'],
    [{ roles: [own, 'Application.ReadWrite.All'] }, 'every'],
    [{ roles: ['Directory.ReadWrite.All'] }, 'every'],
    [{ roles: ['Application.Read.All'] }, 'none'],
    [{ roles: ['Application.Read.All', 'User.Read.All'], wids: [appOnly] }, 'none'],
    // A directory role or a person's own rights may allow more than the roles.
    [{ roles: [own], wids: [appOnly, administrator] }, undefined],
    [{ roles: ['Application.Read.All'], wids: [administrator] }, undefined],
    [{ scp: 'Application.Read.All' }, undefined],
    // What lets such a token read is not known, nor what a role of another name allows.
    [{}, undefined],
    [{ roles: ['User.Read.All'] }, undefined],
    [{ roles: ['Application.Read.All', 'Application.Something.New'] }, undefined],
  ];
  for (const [claims, expected] of cases) {
    assert.equal(identityIn(token(claims))?.mayChange, expected, JSON.stringify(claims));
  }
});

test('the object id is told in lower case; a token that cannot be read tells nothing', () => {
  assert.equal(identityIn(token({ roles: [own] }))?.principalId, oid.toLowerCase());
  for (const text of ['', 'opaque', 'a.b.c', token({ oid: 'not a GUID' }), token({ roles: 'text' })]) {
    assert.equal(identityIn(text), undefined, text);
  }
});

test('the identity is that of the newest token that went through', async () => {
  const tokens = [token({ roles: [own] }), 'opaque'];
  const { credential, identity } = watch({
    getToken: () => Promise.resolve({ token: tokens.shift() ?? '', expiresOnTimestamp: 0 }),
  });
  assert.equal(identity(), undefined);
  await credential.getToken('scope');
  assert.equal(identity()?.mayChange, 'owned');
  await credential.getToken('scope');
  assert.equal(identity(), undefined);
});
