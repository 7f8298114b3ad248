// Reads the expressions of Bicep into functions that evaluate them.
import { Cursor } from './cursor.ts';
import { list, memberOf, number, same, shown, truth, type Expression, type Scope } from './values.ts';

export interface Body {
  readonly entries: readonly (readonly [Expression, Expression])[];
  readonly value: Expression;
}

/** Names for an item, and where there is a second one for its place, with what it goes through. */
export interface Loop {
  readonly names: readonly string[];
  readonly over: Expression;
}

type Operator = (one: unknown, other: () => unknown) => unknown;

/** What binds least comes first. */
const operators: readonly Readonly<Record<string, Operator>>[] = [
  { '??': (one, other) => one ?? other() },
  { '||': (one, other) => truth(one) || truth(other()) },
  { '&&': (one, other) => truth(one) && truth(other()) },
  { '==': (one, other) => same(one, other()), '!=': (one, other) => !same(one, other()) },
  {
    '<': (one, other) => number(one) < number(other()),
    '>': (one, other) => number(one) > number(other()),
    '<=': (one, other) => number(one) <= number(other()),
    '>=': (one, other) => number(one) >= number(other()),
  },
  {
    '+': (one, other) => number(one) + number(other()),
    '-': (one, other) => number(one) - number(other()),
  },
  { '*': (one, other) => number(one) * number(other()) },
];

const words: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** `scope` with `names` for `given`. */
export function within(scope: Scope, names: readonly string[], given: readonly unknown[]): Scope {
  const own = new Map(names.map((name, index) => [name, given[index]]));
  return { ...scope, get: (name) => (own.has(name) ? own.get(name) : scope.get(name)) };
}

export class ExpressionParser extends Cursor {
  expression(): Expression {
    this.lines();
    const names = this.#lambda();
    if (names) {
      const body = this.expression();
      return (scope) =>
        (...given: unknown[]) =>
          body(within(scope, names, given));
    }
    const condition = this.#binary(0);
    if (!this.acceptLater('?')) return condition;
    const yes = this.expression();
    if (!this.acceptLater(':')) this.refuse(':');
    const no = this.expression();
    return (scope) => (truth(condition(scope)) ? yes(scope) : no(scope));
  }

  #lambda(): readonly string[] | undefined {
    if (this.token.kind === 'name' && this.ahead(1).word === '=>') {
      const { word } = this.next();
      this.next();
      return [word];
    }
    return undefined;
  }

  #binary(level: number): Expression {
    const found = operators[level];
    if (!found) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const operator = this.token.kind === 'sign' ? found[this.token.word] : undefined;
      if (!operator) return left;
      this.next();
      this.lines();
      const [one, other] = [left, this.#binary(level + 1)];
      left = (scope) => operator(one(scope), () => other(scope));
    }
  }

  #unary(): Expression {
    if (this.accept('!')) {
      const value = this.#unary();
      return (scope) => !truth(value(scope));
    }
    return this.#members(this.#primary());
  }

  #members(first: Expression): Expression {
    let value = first;
    for (;;) {
      const of = value;
      if (this.is('!') && this.ahead(1).word === '.') this.next();
      if (this.accept('.')) {
        const name = this.name();
        value = (scope) => required(memberOf(of(scope), name), name);
      } else if (this.is('[') || this.is('[?')) {
        const optional = this.next().word === '[?';
        const key = this.expression();
        this.expect(']');
        value = (scope) => {
          const found = memberOf(of(scope), key(scope));
          return optional ? (found ?? null) : required(found, shown(key(scope)));
        };
      } else return value;
    }
  }

  #primary(): Expression {
    const { kind, word, parts } = this.token;
    if (kind === 'number') return constant(Number(this.next().word));
    if (kind === 'text') {
      this.next();
      const all = parts.map((part) =>
        typeof part === 'string' ? constant(part) : new ExpressionParser(part).expression(),
      );
      return (scope) => all.map((part) => shown(part(scope))).join('');
    }
    if (this.is('{')) return this.body().value;
    if (this.accept('[')) return this.#array();
    if (this.accept('(')) {
      const value = this.expression();
      this.expect(')');
      return value;
    }
    const name = this.name();
    if (words.has(word)) return constant(words.get(word));
    // The namespace of Azure's own functions, where a parameter has the name of one.
    if (name === 'az' && this.accept('.')) return this.#primary();
    if (!this.accept('(')) return (scope) => scope.get(name);
    const given = this.items(')', () => this.expression());
    return (scope) =>
      scope.call(
        name,
        given.map((value) => value(scope)),
      );
  }

  #array(): Expression {
    const loop = this.loop();
    if (!loop) {
      const items = this.items(']', () => this.expression());
      return (scope) => items.map((item) => item(scope));
    }
    const item = this.expression();
    this.lines();
    this.expect(']');
    return (scope) => rounds(loop, scope).map((round) => item(round));
  }

  /** What follows `[`, where it is a loop. */
  loop(): Loop | undefined {
    if (!this.acceptLater('for')) return undefined;
    const names = this.accept('(') ? this.items(')', () => this.name()) : [this.name()];
    this.expect('in');
    const over = this.expression();
    this.expect(':');
    return { names, over };
  }

  /** An object. `other` reads what else may stand in the one of a resource. */
  body(other: () => boolean = () => false): Body {
    this.expect('{');
    const all = this.items('}', () => {
      if (other()) return [];
      const key = this.token.kind === 'text' ? this.#primary() : constant(this.name());
      this.expect(':');
      return [[key, this.expression()] as const];
    });
    const entries = all.flat();
    const value: Expression = (scope) =>
      Object.fromEntries(entries.map(([key, one]) => [shown(key(scope)), one(scope)]));
    return { entries, value };
  }
}

/** A scope for each round of a loop. */
export function rounds({ names, over }: Loop, scope: Scope): readonly Scope[] {
  return list(over(scope)).map((item, index) => within(scope, names, [item, index]));
}

function constant(value: unknown): Expression {
  return () => value;
}

function required(value: unknown, name: string): unknown {
  if (value === undefined) throw new Error(`there is no ${name}`);
  return value;
}
