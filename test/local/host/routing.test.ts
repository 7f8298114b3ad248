// Request targets and route templates, read as ASP.NET reads them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mergeQuery, readTarget } from '../../../local/host/requestTarget.ts';
import { parseTemplate } from '../../../local/host/routeTemplate.ts';

function match(template: string, path: string): Record<string, string> | undefined {
  return parseTemplate(template).match(path);
}

test('a path is decoded once, but an escaped slash stays escaped', () => {
  assert.equal(readTarget('/a%20b/%C3%A9/%2F/%2f/%252F')?.path, '/a b/é/%2F/%2f/%2F');
});

test('escapes that are no UTF-8 stay as they came', () => {
  assert.equal(readTarget('/%ff%41/%c3/%zz/%e2%98')?.path, '/%ffA/%c3/%zz/%e2%98');
});

test('dot segments are resolved, also escaped ones, and never climb above the root', () => {
  assert.equal(readTarget('/a/%2e%2e/b/./c')?.path, '/b/c');
  assert.equal(readTarget('/a/..')?.path, '/');
  assert.equal(readTarget('/../../a')?.path, '/a');
});

test('a target with %00 in its path, unprintable bytes or no leading slash is refused', () => {
  for (const raw of ['/a%00b', '/caf\u00e9', 'api', '*', 'http://x/api', '']) {
    assert.equal(readTarget(raw), undefined, raw);
  }
  assert.equal(readTarget('/a?b=%00')?.query.get('b'), '\0');
});

test('the URL that the handler sees is encoded anew from the decoded path', () => {
  assert.equal(readTarget('/%7Bx%7D/[b]/%2541/a+b;c?q=[1]')?.encoded, '/%7Bx%7D/%5Bb%5D/%41/a+b;c?q=[1]');
});

test('any text survives being escaped in a query', () => {
  const text = fc.string({ unit: 'binary', minLength: 1 }).filter((value) => value.isWellFormed());
  fc.assert(
    fc.property(text, text, (name, value) => {
      const merged = mergeQuery(`${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
      assert.deepEqual([...merged], [[name, value]]);
    }),
  );
});

test('a query key sent twice becomes one, whatever its letter case, and its empty values vanish', () => {
  assert.deepEqual(
    [...mergeQuery('a=1&A=&a=3&&b')],
    [
      ['a', '1,3'],
      ['b', ''],
    ],
  );
});

test('literals match in any letter case and a trailing slash is ignored, an empty segment is not', () => {
  assert.deepEqual(match('api/items/{id}', '/API/Items/Five/'), { id: 'Five' });
  assert.equal(match('api/items/{id}', '/api/items//'), undefined);
  assert.equal(match('api/items/{id}', '/api//items/5'), undefined);
  assert.equal(match('api/items/{id}', '/api/items/5/6'), undefined);
  assert.equal(match('api/items/{id}', '/api/items'), undefined);
  assert.equal(match('api/a.c', '/api/abc'), undefined);
});

test('an optional parameter may be absent and a catch-all takes the rest as it is', () => {
  assert.deepEqual(match('a/{b?}', '/a'), {});
  assert.deepEqual(match('a/{*rest}', '/a'), {});
  assert.deepEqual(match('a/{*rest}', '/a/b//c/'), { rest: 'b//c/' });
  assert.equal(match('a/{*rest}', '/a//b'), undefined);
  assert.deepEqual(match('a/{name}.{kind}', '/a/x.y.z'), { name: 'x.y', kind: 'z' });
});

test('constraints decide whether a route fits', () => {
  const fits: [string, string, boolean][] = [
    ['{v:int}', '2147483647', true],
    ['{v:int}', '2147483648', false],
    ['{v:int}', ' -5', true],
    ['{v:long}', '2147483648', true],
    ['{v:min(3)}', '2', false],
    ['{v:max(3)}', '3', true],
    ['{v:bool}', 'TRUE', true],
    ['{v:guid}', '0f8fad5b-d9cb-469f-a165-70867728950e', true],
    ['{v:guid}', '0f8fad5b', false],
    ['{v:alpha}', 'a1', false],
    ['{v:length(2)}', 'ab', true],
    ['{v:minlength(2):maxlength(3)}', 'abcd', false],
  ];
  for (const [template, value, expected] of fits) {
    assert.equal(match(template, `/${value}`) !== undefined, expected, `${template} ${value}`);
  }
});

test('a template that cannot be right is refused with its text in the message', () => {
  for (const template of ['a//b', '/a', '{*rest}/b', '{id}/{ID}', '{id:nope}', '{a', 'x{b?}', '{1}']) {
    assert.throws(() => parseTemplate(template), RangeError, template);
  }
});
