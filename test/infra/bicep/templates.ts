// Reads a Bicep file: what it asks for, what it makes and what it answers.
import { ExpressionParser, type Body, type Loop } from './expressions.ts';
import { tokenize } from './tokens.ts';
import type { Expression } from './values.ts';

export interface Parameter {
  readonly name: string;
  /** Without spaces. */
  readonly type: string;
  readonly fallback: Expression | undefined;
  /** What its decorators are given, by their names. */
  readonly rules: ReadonlyMap<string, readonly Expression[]>;
}

/** A resource or module, or a loop of them. */
export interface Making {
  readonly kind: 'resource' | 'module';
  readonly symbol: string;
  /** Type of a resource, below that of the one that it stands in, or file of a module. */
  readonly target: string;
  readonly existing: boolean;
  readonly loop: Loop | undefined;
  readonly condition: Expression | undefined;
  readonly body: Body;
  readonly nested: readonly Making[];
}

export interface Template {
  readonly parameters: readonly Parameter[];
  readonly variables: ReadonlyMap<string, Expression>;
  readonly functions: ReadonlyMap<string, { readonly names: readonly string[]; readonly body: Expression }>;
  readonly imports: readonly { readonly name: string; readonly path: string }[];
  readonly makings: readonly Making[];
  readonly outputs: ReadonlyMap<string, Expression>;
}

export function readTemplate(source: string): Template {
  return new TemplateParser(tokenize(source)).template();
}

class TemplateParser extends ExpressionParser {
  readonly #parameters: Parameter[] = [];
  readonly #variables = new Map<string, Expression>();
  readonly #functions = new Map<string, { names: readonly string[]; body: Expression }>();
  readonly #imports: { name: string; path: string }[] = [];
  readonly #makings: Making[] = [];
  readonly #outputs = new Map<string, Expression>();

  template(): Template {
    this.lines();
    while (this.token.kind !== 'end') {
      this.#statement(this.#decorators());
      this.lines();
    }
    return {
      ...{ parameters: this.#parameters, variables: this.#variables, functions: this.#functions },
      ...{ imports: this.#imports, makings: this.#makings, outputs: this.#outputs },
    };
  }

  #decorators(): ReadonlyMap<string, readonly Expression[]> {
    const found = new Map<string, readonly Expression[]>();
    while (this.accept('@')) {
      const name = this.name();
      this.expect('(');
      found.set(
        name,
        this.items(')', () => this.expression()),
      );
      this.lines();
    }
    return found;
  }

  #statement(rules: Parameter['rules']): void {
    if (this.is('resource') || this.is('module')) {
      this.#makings.push(this.#making());
      return;
    }
    const readers: Readonly<Record<string, () => void>> = {
      targetScope: () => {
        this.expect('=');
        this.plainText();
      },
      import: () => {
        this.#import();
      },
      param: () => {
        const [name, type] = [this.name(), this.#type('=')];
        this.#parameters.push({ name, type, rules, fallback: this.#given() });
      },
      var: () => {
        this.#variables.set(this.name(), this.#given() ?? this.refuse('='));
      },
      output: () => {
        const name = this.name();
        this.#type('=');
        this.#outputs.set(name, this.#given() ?? this.refuse('='));
      },
      type: () => {
        this.#type('');
      },
      func: () => {
        this.#function();
      },
    };
    const read = readers[this.name()];
    if (!read) this.refuse('a statement');
    read();
  }

  #import(): void {
    this.expect('{');
    const names = this.items('}', () => this.name());
    this.expect('from');
    const path = this.plainText();
    this.#imports.push(...names.map((name) => ({ name, path })));
  }

  #function(): void {
    const name = this.name();
    this.expect('(');
    const names = this.items(')', () => {
      const one = this.name();
      this.#type(',');
      return one;
    });
    this.#type('=>');
    this.expect('=>');
    this.#functions.set(name, { names, body: this.expression() });
  }

  #given(): Expression | undefined {
    return this.accept('=') ? this.expression() : undefined;
  }

  /** Past a type, up to `stop` or the end of what it stands in; its words. */
  #type(stop: string): string {
    let type = '';
    for (let depth = 0; ;) {
      const { kind, word } = this.token;
      const closes = /^[)\]}]$/.test(word);
      if (depth === 0 && (kind === 'line' || kind === 'end' || word === stop || closes)) return type;
      if (/^[[{(]$/.test(word)) depth += 1;
      if (closes) depth -= 1;
      type += this.next().word;
    }
  }

  #making(): Making {
    const kind = this.name() === 'module' ? 'module' : 'resource';
    const [symbol, target] = [this.name(), this.plainText().replace(/@.*$/, '')];
    const existing = this.accept('existing');
    this.expect('=');
    const looped = this.accept('[');
    const loop = looped ? this.loop() : undefined;
    const condition = this.accept('if') ? this.expression() : undefined;
    const nested: Making[] = [];
    const body = this.body(() => {
      const found = this.is('resource') && this.ahead(1).kind === 'name';
      if (found) nested.push(this.#making());
      return found;
    });
    this.lines();
    if (looped) this.expect(']');
    return { kind, symbol, target, existing, loop, condition, body, nested };
  }
}
