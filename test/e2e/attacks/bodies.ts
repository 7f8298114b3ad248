// Bodies: how they are framed, what they are called, and what they ask for.
import { demo } from '../../../local/demo.ts';
import assert from 'node:assert/strict';
import { claimsOf, token } from '../../support/users.ts';
import type { RawAnswer, RawRequest } from '../../support/rawHttp.ts';
import { asVictim, badRequest, byHost, json, key, type Attack, type Expected } from './attack.ts';
import { seconds } from './forge.ts';

const tooLarge = { status: 413, code: 'too_large', detail: /16384/ } as const;
const unsupported = { status: 415, code: 'unsupported_media_type', detail: /Content-Type/ } as const;
const chunked = { status: 411, code: 'length_required', detail: /Content-Length/ } as const;
const te = ['Transfer-Encoding', 'chunked'] as const;
const one = '{"scopes":["chat"]}';
const inChunks = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;

// Measured: the host drops the body of a chunked request, so that a caller who asked for less would be given more.
const framing: readonly Attack[] = [
  asVictim('a chunked body', chunked, { headers: [json, te], body: inChunks(one), unframed: true }),
  asVictim('a chunked body of no length', chunked, {
    headers: [json, te],
    body: '0\r\n\r\n',
    unframed: true,
  }),
  asVictim('a chunked body in other letters', chunked, {
    ...{ headers: [json, ['transfer-encoding', 'CHUNKED']], body: inChunks(one), unframed: true },
  }),
  asVictim('a chunked body where none is read', chunked, {
    ...{ method: 'GET', target: '/api/identity', headers: [te], body: inChunks(one), unframed: true },
  }),
  asVictim('a chunked erasure', chunked, {
    ...{ method: 'DELETE', target: '/api/identity', headers: [te], body: '0\r\n\r\n', unframed: true },
  }),
  {
    ...{ says: 'a chunked body without a bearer, of which nothing is read', ...chunked },
    request: () => ({ target: '/api/tokens', headers: [te], body: inChunks(one), unframed: true }),
  },
  // These are refused by Node's parser before the local host sees them: two readers would see two requests.
  ...(
    [
      ['a length beside chunks', [te, ['Content-Length', '19']]],
      ['chunks and a coding nobody knows', [['Transfer-Encoding', 'chunked, xchunked']]],
      ['a coding nobody knows', [['Transfer-Encoding', 'xchunked']]],
      [
        'two lengths',
        [
          ['Content-Length', '19'],
          ['Content-Length', '5'],
        ],
      ],
      ['a length below zero', [['Content-Length', '-1']]],
      ['a length in hexadecimal', [['Content-Length', '0x13']]],
      ['a length with a sign', [['Content-Length', '+19']]],
    ] as const
  ).map(([says, headers]) => asVictim(says, byHost(400), { headers: [json, ...headers], body: one })),
  asVictim('a length of 101 MiB', byHost(500), {
    headers: [json, ['Content-Length', String(101 * 2 ** 20)]],
  }),
];

const sized = (size: number): string => `{"scopes":["chat"]${' '.repeat(size - one.length)}}`;
const sizes: readonly Attack[] = [
  asVictim('a body one byte too long', tooLarge, { headers: [json], body: sized(16_385) }),
  asVictim('a body that grows too long when it is decoded', tooLarge, {
    headers: [json],
    body: Buffer.alloc(6_000, 0xff),
  }),
  asVictim('a body too long where none is read', tooLarge, {
    ...{ method: 'DELETE', target: '/api/identity', body: sized(16_385) },
  }),
  asVictim(
    'the longest body, which asks for less',
    { status: 200, served: only(['chat'], 60) },
    {
      ...{ headers: [json], body: sized(16_384) },
    },
  ),
];

const methods: readonly Attack[] = [
  ...['GET', 'HEAD', 'PUT', 'PATCH', 'OPTIONS', 'TRACE', 'QUERY'].map((method) =>
    // Measured: a wrong method is 404 like a wrong path, never 405.
    asVictim(`${method} where POST is asked for`, byHost(404), { method }),
  ),
  asVictim('a method that nobody knows', byHost(400), { method: 'ISSUE' }),
  ...['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'].map((name) =>
    asVictim(
      `DELETE in ${name}, which counts for nothing`,
      { status: 200, served: only(['chat', 'voip'], 60) },
      {
        ...{ headers: [[name, 'DELETE']], target: '/api/tokens?_method=DELETE' },
      },
    ),
  ),
  asVictim(
    'another path in X-Original-URL, which counts for nothing',
    { status: 200, served: only(['chat', 'voip'], 60) },
    {
      ...{
        headers: [
          ['X-Original-URL', '/api/users/patient-ada-0815'],
          ['X-Rewrite-URL', '/api/users/patient-ada-0815'],
        ],
      },
    },
  ),
];

const types: readonly Attack[] = [
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/jsonp',
  'text/json',
  'application/json, text/plain',
  'application/xml; application/json',
].map((type) =>
  asVictim(`JSON called ${type}`, unsupported, { headers: [['Content-Type', type]], body: one }),
);

const shaped = (
  says: string,
  body: string | Uint8Array,
  detail: RegExp,
  expected: Expected = badRequest,
): Attack => asVictim(says, { ...expected, detail }, { headers: [json], body });

const shapes: readonly Attack[] = [
  asVictim('a body without a type', unsupported, { body: one }),
  shaped('a body that is no JSON', '{scopes:["chat"]}', /JSON/),
  shaped('a body of blanks', '   ', /JSON/),
  shaped('half a body', '{"scopes":["chat"', /JSON/),
  shaped('two bodies', `${one}${one}`, /JSON/),
  shaped('JSON in UTF-16', Buffer.from(one, 'utf16le'), /JSON/),
  shaped('JSON with a NUL', `${one}\0`, /JSON/),
  ...['null', '[]', '"chat"', '60', 'true'].map((text) =>
    shaped(`the body ${text}`, text, /Body: expected an object/),
  ),
  shaped('lists a thousand deep', `${'['.repeat(8_000)}${']'.repeat(8_000)}`, /Body: expected an object/),
  shaped('scopes a thousand deep', `{"scopes":${'['.repeat(8_000)}${']'.repeat(8_000)}}`, /scopes/),
  shaped('an unknown field', '{"scope":["chat"]}', /unknown field "scope"/),
  shaped('somebody else for the user', '{"userId":"patient-ada-0815"}', /unknown field "userId"/),
  shaped('the identity of somebody else', '{"communicationUserId":"8:acs:x"}', /unknown field/),
  shaped('__proto__', '{"__proto__":{"scopes":["chat"]}}', /unknown field "__proto__"/),
  shaped('constructor', '{"constructor":{"prototype":{"scopes":["chat"]}}}', /unknown field "constructor"/),
  shaped(
    'a field with an e-mail address for its name',
    '{"nurse@clinic.example":1}',
    /^Body: unknown field\b(?!.*nurse)/,
  ),
  shaped(
    'a field that is named as a token begins',
    '{"eyJhbGciOiJub25lIn0.eyJvaWQiOiJ4In0":1}',
    /^Body: unknown field\b(?!.*eyJ)/,
  ),
  shaped(
    'a field twice, the second time too large',
    '{"expiresInMinutes":60,"expiresInMinutes":1441}',
    /expiresInMinutes/,
  ),
  shaped('the byte order mark and too much', '\uFEFF{"scopes":["chat","pstn"]}', /scopes/),
  shaped('bytes that are no UTF-8', Buffer.from('{"scopes":["ch\xffat"]}', 'latin1'), /scopes/),
];

const minutes = [
  '59',
  '241',
  '1441',
  '60.5',
  '1e3',
  '-60',
  '0',
  '"60"',
  'null',
  'true',
  '[60]',
  '1e999',
  '9007199254740993',
];
const scopes = [
  '[]',
  '["chat","pstn"]',
  '["chat.join"]',
  '["Chat"]',
  '["chat "]',
  '["CHAT","chat"]',
  '["chat,voip"]',
  '[1]',
  '[null]',
  '[["chat"]]',
  '"chat"',
  'null',
  '{"0":"chat"}',
  '["chat","chat","chat","chat","chat","chat"]',
  '["\u0441hat"]',
  '["chat\\u200b"]',
];
const wishes: readonly Attack[] = [
  ...minutes.map((text) => shaped(`${text} minutes`, `{"expiresInMinutes":${text}}`, /expiresInMinutes/)),
  ...scopes.map((text) => shaped(`the scopes ${text}`, `{"scopes":${text}}`, /scopes/)),
];

const less: readonly Attack[] = (
  [
    ['a scope twice, which is one', '{"scopes":["chat","chat"]}', ['chat'], 60],
    ['a field twice, the second time less', '{"scopes":["chat","voip"],"scopes":["voip"]}', ['voip'], 60],
    ['6e1 minutes, which are sixty', '{"expiresInMinutes":6e1}', ['chat', 'voip'], 60],
    ['the byte order mark before it', '\uFEFF{"scopes":["voip"]}', ['voip'], 60],
  ] as const
).map(([says, body, granted, life]) =>
  asVictim(says, { status: 200, served: only(granted, life) }, { headers: [json], body }),
);

/** What is granted, and for how long, in minutes. */
function only(granted: readonly string[], life: number): (answer: RawAnswer) => void {
  return ({ text }) => {
    const issued = token.parse(JSON.parse(text));
    assert.deepEqual(issued.scopes, granted);
    assert.ok((claimsOf(issued.token).exp - seconds()) / 60 < life + 0.1);
  };
}

const access = (says: string, body: string, detail: RegExp): Attack => ({
  ...{ says, ...badRequest, detail },
  request: (scene) => withTrust(scene, body),
});
const withTrust = (scene: Parameters<Attack['request']>[0], body: string): RawRequest => ({
  ...{ method: 'PUT', target: `/api/users/entra.${demo.tenantId}.${scene.victim.oid}/access`, body },
  headers: [json, key(scene), ['Authorization', `Bearer ${scene.backendBearer()}`]],
});
const accesses: readonly Attack[] = [
  access('an access that is a text', '{"enabled":"false"}', /enabled/),
  access('an access that is 0', '{"enabled":0}', /enabled/),
  access('an access without a word', '{"reason":"x"}', /enabled/),
  access('a reason as long as a book', `{"enabled":false,"reason":"${'x'.repeat(501)}"}`, /reason/),
];

export const bodyAttacks = [framing, sizes, methods, types, shapes, wishes, less, accesses].flat();
