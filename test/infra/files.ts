// Reads the templates of infra/ as text: what they declare, and the keys of the objects that the tables refer to.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export interface Template {
  /** From `infra/` on. */
  readonly path: string;
  readonly text: string;
}

export const templates: readonly Template[] = readdirSync(join(root, 'infra'), {
  recursive: true,
  encoding: 'utf8',
})
  .filter((path) => path.endsWith('.bicep'))
  .map((path) => ({
    path: path.replaceAll('\\', '/'),
    text: readFileSync(join(root, 'infra', path), 'utf8'),
  }));

export function template(path: string): string {
  const found = templates.find((one) => one.path === path);
  assert.ok(found, `infra/${path} is not there`);
  return found.text;
}

export interface Declaration {
  readonly kind: string;
  readonly name: string;
  /** The rest of its line: type and default or value. */
  readonly rest: string;
  readonly decorators: string;
  readonly description: string | undefined;
}

/** Parameters, outputs, types and functions with the decorators right before each. */
export function declarations(text: string): readonly Declaration[] {
  const found = text.matchAll(/^((?:@.*\n)*)(param|output|type|func) (\w+)(.*)$/gm);
  return [...found].map(([, decorators = '', kind = '', name = '', rest = '']) => ({
    ...{ kind, name, rest, decorators },
    description: /@description\('((?:[^'\\]|\\.)*)'\)/.exec(decorators)?.[1],
  }));
}

/** Keys of the object literal that follows `opening`, which must be there once. */
export function keysOf(text: string, opening: string): readonly string[] {
  const [, after, ...more] = text.split(opening);
  assert.ok(after !== undefined && more.length === 0, `"${opening}" is not there once`);
  const indent = /\n( +)/.exec(after)?.[1] ?? '';
  const body = after.slice(0, after.indexOf(`\n${indent.slice(2)}}`));
  return body
    .split('\n')
    .map((line) => /^( +)(\w+): /.exec(line))
    .filter((line) => line?.[1] === indent)
    .map((line) => line?.[2] ?? '');
}

/** What `when` may be in the tables. */
export const parts = keysOf(template('main.bicep'), 'var deployed = {');
