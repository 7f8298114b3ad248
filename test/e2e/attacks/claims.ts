// Well signed tokens that are not for this service, not any more, not yet, or not a user's.
import { demo } from '../../../local/demo.ts';
import { seconds, type Fields } from './forge.ts';
import type { TokenAttack } from './signatures.ts';

const otherTenant = '0e1e4ea1-7000-4000-8000-0000000000ff';
const { audience, clientId } = demo.api;

const row = (says: string, claims: Fields | (() => Fields)): TokenAttack => ({
  says,
  token: (forge) => forge.jwt({ claims: typeof claims === 'function' ? claims() : claims }),
});

const issuers: readonly TokenAttack[] = [
  row('another tenant', { tid: otherTenant }),
  row('no tenant', { tid: undefined }),
  row('the tenant in a list', { tid: [demo.tenantId] }),
  row('the issuer of another tenant', { iss: `https://login.microsoftonline.com/${otherTenant}/v2.0` }),
  row('the v1 issuer of another tenant', { iss: `https://sts.windows.net/${otherTenant}/` }),
  row('the v1 issuer without its slash', { iss: `https://sts.windows.net/${demo.tenantId}` }),
  row('the issuer of no tenant at all', { iss: 'https://login.microsoftonline.com/common/v2.0' }),
  row('the issuer of all consumers', {
    iss: 'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0',
  }),
  row('the issuer with a slash more', { iss: `${demo.issuer}/` }),
  row('the issuer in capitals', { iss: demo.issuer.toUpperCase() }),
  row('the issuer over http', { iss: demo.issuer.replace('https', 'http') }),
  row('the issuer in a list', { iss: [demo.issuer] }),
  row('no issuer', { iss: undefined }),
];

const audiences: readonly TokenAttack[] = [
  row('the audience of Graph', { aud: 'https://graph.microsoft.com' }),
  row('the client id of this API, where only its URI is believed', { aud: clientId }),
  row('several audiences without ours', { aud: ['https://graph.microsoft.com', `${audience}-2`] }),
  row('an audience that begins with ours', { aud: `${audience}.example` }),
  row('an audience with which ours begins', { aud: audience.slice(0, -1) }),
  row('our audience with a slash', { aud: `${audience}/` }),
  row('our audience in capitals', { aud: audience.toUpperCase() }),
  row('two audiences in one text', { aud: `${audience} https://graph.microsoft.com` }),
  row('no audience in the list', { aud: [] }),
  row('no audience', { aud: undefined }),
];

const times: readonly TokenAttack[] = [
  row('an end two minutes ago', () => ({ exp: seconds() - 120 })),
  row('an end in 1970', { exp: 1 }),
  row('an end below zero', { exp: -1 }),
  row('no end', { exp: undefined }),
  row('an end without a value', { exp: null }),
  row('the end in a text', () => ({ exp: String(seconds() + 3600) })),
  row('a beginning in five minutes', () => ({ nbf: seconds() + 300 })),
  row('the beginning in a text', () => ({ nbf: String(seconds()) })),
  row('no time of issue, by which a revocation would judge it', { iat: undefined }),
  row('the time of issue in a text', () => ({ iat: String(seconds()) })),
  row('a time of issue in an hour, which would outlive a revocation', () => ({ iat: seconds() + 3600 })),
];

const people: readonly TokenAttack[] = [
  row('no object id', { oid: undefined }),
  row('an e-mail address for the object id', { oid: 'nurse@clinic.example' }),
  row('an object id with more behind it', { oid: `${demo.user.oid}.x` }),
  row('an object id with a line break', { oid: `${demo.user.oid}\n` }),
  row('an object id in braces', { oid: `{${demo.user.oid}}` }),
  row('several object ids', { oid: [demo.user.oid] }),
];

const rights: readonly TokenAttack[] = [
  row('an id token, which has no scope', { scp: undefined, nonce: 'n-0S6_WzA2Mj', ver: '2.0' }),
  row('an application, with roles only', {
    scp: undefined,
    idtyp: 'app',
    azp: clientId,
    roles: ['access_as_user'],
  }),
  row('an application without a word on its kind', {
    scp: undefined,
    appid: clientId,
    roles: ['Clinic.Backend'],
  }),
  row('an application that claims a scope', { idtyp: 'app' }),
  row('an application that is operator', { scp: undefined, idtyp: 'app', roles: ['Clinic.Operate'] }),
  row('a scope that begins with ours', { scp: 'access_as_users' }),
  row('a scope that ends with ours', { scp: 'no_access_as_user' }),
  row('a scope with which ours begins', { scp: 'access_as' }),
  row('the scope with its resource before it', { scp: `${audience}/access_as_user` }),
  row('the scope in another case', { scp: 'Access_As_User' }),
  row('the scope between commas', { scp: 'openid,access_as_user' }),
  row('the scope behind a tab', { scp: 'openid\taccess_as_user' }),
  row('the scope in a list', { scp: ['access_as_user'] }),
  row('an empty scope beside a good one of another kind', { scp: '', scope: 'access_as_user' }),
  row('no scope', { scp: undefined }),
].map((attack) => ({ ...attack, forbidden: true }));

export const claimAttacks = [issuers, audiences, times, people, rights].flat();
