// The tests' own deployment of Bicep: it reads the language as Azure's documentation has it, and refuses what it does not know.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { deploy, type Deployed } from './bicep/deployment.ts';

const folder = mkdtempSync(join(tmpdir(), 'bicep-'));
after(() => {
  rmSync(folder, { recursive: true });
});
let count = 0;

function run(text: string, given: Readonly<Record<string, unknown>> = {}): Deployed {
  count += 1;
  const file = join(folder, `${count}.bicep`);
  writeFileSync(file, text);
  return deploy(file, { subscriptionId: 's', name: 'g' }, given, () => ({ said: 'by Azure' }));
}

/** What an expression comes to. */
const valueOf = (expression: string): unknown =>
  run(`output value object = ${expression}\n`).outputs['value'];

test('expressions come to what Azure says', () => {
  const cases: readonly (readonly [string, unknown])[] = [
    [String.raw`'it\'s ${1 + 2 * 3} ${'a${true}'} \${no}'`, "it's 7 atrue ${no}"],
    ['[1, 2\n3]', [1, 2, 3]],
    ["{ a: 1, 'b-c': [{ d: null }] }", { a: 1, 'b-c': [{ d: null }] }],
    ['1 < 2 && !(2 <= 1) || false', true],
    ["'A' == 'a' ? 1\n  : 2 != 2\n  ? 3\n  : 4", 4],
    ["{ a: 1 }[?'b'] ?? 'none'", 'none'],
    ["map(filter([3, 1, 2], n => n > 1), n => 'n${n}')", ['n3', 'n2']],
    ["[for (name, i) in ['a', 'b']: '${name}${i}']", ['a0', 'b1']],
    ["toObject(['a', 'b'], one => one, one => { is: one })", { a: { is: 'a' }, b: { is: 'b' } }],
    [
      'items({ b: 1, a: 2 })',
      [
        { key: 'a', value: 2 },
        { key: 'b', value: 1 },
      ],
    ],
    ['union({ a: 1, b: 2 }, { b: 3 })', { a: 1, b: 3 }],
    ["union(['a', 'b'], ['b', 'c'])", ['a', 'b', 'c']],
    ["concat(['a'], ['a'])", ['a', 'a']],
    ["[contains('abc', 'b'), contains(['abc'], 'b'), contains({ b: 1 }, 'b')]", [true, false, true]],
    ["[empty(''), empty([]), empty({}), empty(' ')]", [true, true, true, false]],
    ["join(take(split('https://a/b', '/'), 3), '/')", 'https://a'],
    [
      "[first(['a', 'b']), last(['a', 'b']), take('abc', 2), replace('aba', 'a', 'c'), trim(' a ')]",
      ['a', 'b', 'ab', 'cbc', 'a'],
    ],
    ["toLower('Ab')", 'ab'],
    [
      "resourceId('Microsoft.A/b/c', 'd', 'e')",
      '/subscriptions/s/resourceGroups/g/providers/Microsoft.A/b/d/c/e',
    ],
    ['length(uniqueString(resourceGroup().id))', 13],
    ["guid('a') == guid('a') && guid('a') != guid('b') && uniqueString('a') != uniqueString('a', 'b')", true],
  ];
  for (const [expression, value] of cases) assert.deepEqual(valueOf(expression), value, expression);
});

const group = '/subscriptions/s/resourceGroups/g/providers/Microsoft.A/b';

test('a resource is made where its condition holds, for each round of its loop and with what stands in it', () => {
  const { resources, outputs } = run(
    `
    param names string[]
    resource outer 'Microsoft.A/b@2024-01-01' = [
      for name in names: if (name != 'no') {
        name: name
        properties: { own: 1 }

        resource inner 'c' = { name: 'x' }
      }
    ]
    resource child 'Microsoft.A/b/c@2024-01-01' = {
      parent: outer[0]
      name: 'y'
    }
    resource there 'Microsoft.A/b@2024-01-01' existing = { name: 'there' }
    resource on 'Microsoft.D/e@2024-01-01' = {
      name: 'z'
      scope: there
      properties: there.properties
      dependsOn: [child]
    }
    output own object = outer[0].properties
  `,
    { names: ['a', 'no'] },
  );
  const ids = [`${group}/a`, `${group}/a/c/x`, `${group}/a/c/y`, `${group}/there/providers/Microsoft.D/e/z`];
  assert.deepEqual(
    resources.map(({ id }) => id),
    ids,
  );
  assert.deepEqual(
    resources.map(({ body }) => body),
    [{ properties: { own: 1 } }, {}, {}, { properties: { said: 'by Azure' } }],
  );
  assert.deepEqual(outputs, { own: { own: 1, said: 'by Azure' } });
});

test('what refers to nothing comes as late as it may, so that an order that is only meant shows', () => {
  const order = (more: string): readonly string[] =>
    run(`
      resource one 'Microsoft.A/b@2024-01-01' = { name: 'one' }
      resource two 'Microsoft.A/b@2024-01-01' = { name: 'two'${more} }
    `).resources.map(({ name }) => name);
  assert.deepEqual(order(''), ['two', 'one']);
  for (const more of [', dependsOn: [one]', ', properties: { of: one.id }', ', tags: { of: one.name }'])
    assert.deepEqual(order(more), ['one', 'two'], more);
});

test('what Azure would refuse is refused, and what is not known here', () => {
  const refused: readonly (readonly [string, RegExp, object?])[] = [
    ['param a string\n', /^a: undefined is no string$/],
    ['param a bool = true\n', /^a: "true" is no bool$/, { a: 'true' }],
    ['@minLength(1)\nparam a string\n', /^a: "" is not allowed$/, { a: '' }],
    ['@allowed([1, 2])\nparam a int = 3\n', /^a: 3 is not allowed$/],
    ["param a string = ''\n", /^there is no parameter b$/, { b: '' }],
    ["output a string = fail('no')\n", /^no$/],
    ['output a string = { b: 1 }.c\n', /^there is no c$/],
    ['output a string = unheardOf()\n', /^there is no unheardOf$/],
    [
      "resource a 'Microsoft.A/b@1' = if (false) { name: 'a' }\noutput b object = a.properties\n",
      /^there is no deployed a$/,
    ],
    [
      "resource a 'Microsoft.A/b@1' = { name: 'a' }\nresource b 'Microsoft.A/b@1' = { name: 'a' }\n",
      /made twice$/,
    ],
    ["resource a 'Microsoft.A/b/c@1' = { name: 'a' }\n", /has as many names, not a$/],
    ['var a = 1 +\n', /^line \d+: expected a name/],
    ['assert a = true\n', /^line 1: expected a statement/],
    ['var a = "b"\n', /^line 1: no Bicep/],
  ];
  for (const [text, message, given = {}] of refused)
    assert.throws(() => run(text, given as Record<string, unknown>), { message }, text);
});
