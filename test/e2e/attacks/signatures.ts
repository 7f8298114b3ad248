// Forged tokens: what the header may not choose, and what is no signature.
import { createHash, createPublicKey, publicEncrypt, type KeyObject } from 'node:crypto';
import { compact, es, hs, jwkOf, partsOf, ps, rs, unsigned, type Fields, type Forge } from './forge.ts';
import { tenantKid, type Signer } from './forge.ts';

export interface TokenAttack {
  readonly says: string;
  readonly token: (forge: Forge, lair: string) => string;
  /** Well signed, and refused for what it lacks: 403. */
  readonly forbidden?: boolean;
}

type Make = TokenAttack['token'];
const row = (says: string, token: Make): TokenAttack => ({ says, token });

const pem = (key: KeyObject): string =>
  createPublicKey(key).export({ format: 'pem', type: 'spki' }).toString();
const der = (key: KeyObject): Buffer => createPublicKey(key).export({ format: 'der', type: 'spki' });

const none: readonly TokenAttack[] = [
  ...['none', 'None', 'NONE', 'nOnE', 'none ', ''].map((alg) =>
    row(`alg "${alg}" without a signature`, (forge) => forge.jwt({ header: { alg }, by: unsigned })),
  ),
  row('alg none with the signature of a good token', (forge) =>
    forge.jwt({ header: { alg: 'none' }, by: rs(forge.keys.tenant) }),
  ),
  row('alg none without the second dot', (forge) =>
    forge.jwt({ header: { alg: 'none' }, by: unsigned }).replace(/\.$/, ''),
  ),
  row('no alg at all', (forge) => forge.jwt({ header: { alg: undefined } })),
  row('alg as a list', (forge) => forge.jwt({ header: { alg: ['RS256', 'none'] } })),
  row('alg twice, the second time none', (forge) =>
    compact(`{"alg":"RS256","kid":"${tenantKid}","alg":"none"}`, forge.claims(), unsigned),
  ),
  row('the key id of a good key and no signature', (forge) => forge.jwt({ by: unsigned })),
];

const hmac = (
  says: string,
  secret: (keys: Forge['keys']) => string | Buffer,
  header: Fields = {},
): TokenAttack =>
  row(`HS256 with ${says} as the secret`, (forge) =>
    forge.jwt({ header: { alg: 'HS256', ...header }, by: hs(secret(forge.keys)) }),
  );

const symmetric: readonly TokenAttack[] = [
  hmac('the public key in PEM', ({ tenant }) => pem(tenant)),
  hmac('the public key in PEM without its last line break', ({ tenant }) => pem(tenant).trimEnd()),
  hmac('the public key in DER', ({ tenant }) => der(tenant)),
  hmac('the text of the published key', ({ published }) => JSON.stringify(published[0])),
  hmac('the modulus of the published key', ({ tenant }) => jwkOf(tenant).n ?? ''),
  hmac('the bytes of that modulus', ({ tenant }) => Buffer.from(jwkOf(tenant).n ?? '', 'base64url')),
  hmac('nothing', () => ''),
  hmac('a symmetric key that the issuer publishes', ({ shared }) => shared, { kid: 'shared' }),
  hmac('the key that says nothing of its algorithm', ({ open }) => pem(open), { kid: 'open' }),
  row('HS512 with the public key in PEM as the secret', (forge) =>
    forge.jwt({ header: { alg: 'HS512' }, by: hs(pem(forge.keys.tenant), 'sha512') }),
  ),
];

const signed = (says: string, alg: string, kid: string, by: (keys: Forge['keys']) => Signer): TokenAttack =>
  row(says, (forge) => forge.jwt({ header: { alg, kid }, by: by(forge.keys) }));

const confused: readonly TokenAttack[] = [
  signed('PS256 made with a key published for RS256', 'PS256', tenantKid, ({ tenant }) => ps(tenant)),
  signed('RS256 in the header over a PS256 signature', 'RS256', 'open', ({ open }) => ps(open)),
  signed('PS256 in the header over an RS256 signature', 'PS256', 'open', ({ open }) => rs(open)),
  signed('RS512, which is not believed', 'RS512', 'open', ({ open }) => rs(open, 'sha512')),
  signed('RS1, which nobody should believe', 'RS1', 'open', ({ open }) => rs(open, 'sha1')),
  signed('ES256 under the id of an RSA key', 'ES256', tenantKid, ({ ec }) => es(ec)),
  signed('RS256 under the id of an elliptic key', 'RS256', 'ec', ({ tenant }) => rs(tenant)),
  signed('ES256 whose signature is all zeros', 'ES256', 'ec', () => () => Buffer.alloc(64)),
  signed('ES256 with a signature in DER', 'ES256', 'ec', ({ ec }) => es(ec, 'der')),
  signed('a key published for encryption', 'RS256', 'enc', ({ enc }) => rs(enc)),
  signed('a key published for wrapping keys', 'RS256', 'wrap', ({ wrap }) => rs(wrap)),
  signed('a published key that is too short', 'RS256', 'weak', ({ weak }) => rs(weak)),
  signed('one of two keys under the same id', 'RS256', 'twin', ({ twin }) => rs(twin)),
  signed('another published key than the one it names', 'RS256', 'open', ({ tenant }) => rs(tenant)),
  signed('a key of its own under the id of a good one', 'RS256', tenantKid, ({ own }) => rs(own)),
];

const kid = (says: string, id: unknown, own = true): TokenAttack =>
  row(says, (forge) => forge.jwt({ header: { kid: id }, ...(own ? { by: rs(forge.keys.own) } : {}) }));

const keyIds: readonly TokenAttack[] = [
  kid('a key id that nobody publishes', 'standin-key-2'),
  kid('no key id, where several keys would fit', undefined, false),
  kid('a key id that is a list', [tenantKid], false),
  kid('a key id that is a number', 1, false),
  kid('a key id in another case', tenantKid.toUpperCase(), false),
  kid('a key id that is a path', '../../../../dev/null'),
  kid('a key id that is SQL', "' UNION SELECT 'a' --"),
  kid('a key id that is a URL', 'http://127.0.0.1/keys'),
  kid('a key id that every object has', '__proto__'),
  row('an empty secret for a key id that names an empty file', (forge) =>
    forge.jwt({ header: { alg: 'HS256', kid: '../../../../dev/null' }, by: hs('') }),
  ),
];

const brought = (says: string, header: (jwk: Fields, lair: string) => Fields): TokenAttack =>
  row(`brings its own key in ${says}`, (forge, lair) =>
    forge.jwt({ header: header({ ...jwkOf(forge.keys.own), alg: 'RS256' }, lair), by: rs(forge.keys.own) }),
  );

const ownKeys: readonly TokenAttack[] = [
  brought('jwk', (jwk) => ({ jwk })),
  brought('jwk, without a key id', (jwk) => ({ jwk, kid: undefined })),
  brought('jku', (_, lair) => ({ jku: `${lair}/keys`, kid: 'own' })),
  brought('jku behind the user part of a URL', (_, lair) => ({
    ...{ jku: `${lair.replace('//', '//login.microsoftonline.com@')}/keys`, kid: 'own' },
  })),
  brought('x5u', (_, lair) => ({ x5u: `${lair}/certificate`, kid: 'own' })),
  brought('x5c', () => ({ x5c: ['MIIB'], x5t: createHash('sha1').update('x').digest('base64url') })),
  row('names an issuer that serves the keys it is signed with', (forge, lair) =>
    forge.jwt({ header: { kid: 'own' }, claims: { iss: lair }, by: rs(forge.keys.own) }),
  ),
];

const extensions: readonly TokenAttack[] = [
  row('crit with an extension that nobody knows', (forge) =>
    forge.jwt({ header: { crit: ['proof'], proof: 1 } }),
  ),
  row('crit that is empty', (forge) => forge.jwt({ header: { crit: [] } })),
  row('crit that names what is not there', (forge) => forge.jwt({ header: { crit: ['b64'] } })),
  row('b64 false', (forge) => forge.jwt({ header: { b64: false, crit: ['b64'] } })),
  ...['id+jwt', 'logout+jwt', 'dpop+jwt', 'JOSE', ''].map((typ) =>
    row(`typ "${typ}"`, (forge) => forge.jwt({ header: { typ } })),
  ),
];

const shapes: readonly TokenAttack[] = [
  row('a signature without its last byte', (forge) => forge.jwt({ by: cut(rs(forge.keys.tenant), -1) })),
  row('half a signature', (forge) => forge.jwt({ by: cut(rs(forge.keys.tenant), 128) })),
  row('a signature with a byte more', (forge) =>
    forge.jwt({ by: (input) => Buffer.concat([rs(forge.keys.tenant)(input), Buffer.alloc(1)]) }),
  ),
  row('the payload of another token under a good signature', (forge) => {
    const [header, , signature] = partsOf(forge.jwt({ claims: { scp: 'nothing' } }));
    return [header, partsOf(forge.jwt())[1], signature].join('.');
  }),
  row('the header of another token over a good signature', (forge) => {
    const [, payload, signature] = partsOf(forge.jwt());
    return [partsOf(forge.jwt({ header: { x: 1 } }))[0], payload, signature].join('.');
  }),
  row('a good token inside a token', (forge) => {
    const header = { alg: 'RS256', cty: 'JWT', kid: tenantKid };
    return compact(header, forge.jwt(), rs(forge.keys.tenant));
  }),
  row('a payload that is a list', (forge) => compact(header, '[]', rs(forge.keys.tenant))),
  row('a payload that is no JSON', (forge) => compact(header, 'user', rs(forge.keys.tenant))),
  row('five parts, encrypted for a published key', encrypted),
  row('padding behind the signature', (forge) => `${forge.jwt()}==`),
  row('quotes around the token', (forge) => `"${forge.jwt()}"`),
];

const header = { alg: 'RS256', typ: 'JWT', kid: tenantKid };

function cut(by: Signer, end: number): Signer {
  return (input) => by(input).subarray(0, end);
}

function encrypted(forge: Forge): string {
  const key = publicEncrypt(createPublicKey(forge.keys.enc), Buffer.alloc(32)).toString('base64url');
  const head = Buffer.from('{"alg":"RSA-OAEP","enc":"A256GCM","kid":"enc","cty":"JWT"}').toString(
    'base64url',
  );
  return [
    head,
    key,
    Buffer.alloc(12).toString('base64url'),
    partsOf(forge.jwt())[1],
    'AAAAAAAAAAAAAAAAAAAAAA',
  ].join('.');
}

export const signatureAttacks = [...[none, symmetric, confused, keyIds, ownKeys, extensions, shapes].flat()];
