// Cuts Bicep into words. Texts keep what is put into them as words of their own.

export interface Token {
  readonly kind: 'name' | 'number' | 'text' | 'sign' | 'line' | 'end';
  readonly word: string;
  /** Of a text: what stands there, and the words of each `${…}`. */
  readonly parts: readonly (string | readonly Token[])[];
  /** Of the source, from 1. */
  readonly line: number;
}

const forms: readonly (readonly [Token['kind'] | 'space', RegExp])[] = [
  ['space', /[ \t]+|\/\/[^\n]*/y],
  ['line', /\r?\n/y],
  ['name', /[A-Za-z_]\w*/y],
  ['number', /\d+/y],
  ['sign', /=>|==|!=|<=|>=|&&|\|\||\?\?|\.\?|\[\?|[-+*/%!<>?:.,=@()[\]{}]/y],
];

export function tokenize(source: string): readonly Token[] {
  return new Reader(source).tokens('').concat({ kind: 'end', word: '', parts: [], line: 0 });
}

class Reader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** Up to the `closing` that nothing in between has opened. */
  tokens(closing: string): Token[] {
    const found: Token[] = [];
    let depth = 0;
    while (this.#at < this.#source.length) {
      const token = this.#next();
      if (!token) continue;
      const sign = token.kind === 'sign' ? token.word : '';
      if (sign === closing && depth === 0 && sign !== '') return found;
      depth += sign === '{' ? 1 : sign === '}' ? -1 : 0;
      found.push(token);
    }
    return found;
  }

  #next(): Token | undefined {
    const line = this.#source.slice(0, this.#at).split('\n').length;
    if (this.#source[this.#at] === "'") return { kind: 'text', word: '', parts: this.#text(), line };
    for (const [kind, form] of forms) {
      form.lastIndex = this.#at;
      const [word] = form.exec(this.#source) ?? [];
      if (word === undefined) continue;
      this.#at += word.length;
      return kind === 'space' ? undefined : { kind, word, parts: [], line };
    }
    throw new Error(`line ${line}: no Bicep: ${this.#source.slice(this.#at, this.#at + 20)}`);
  }

  #text(): Token['parts'] {
    const parts: (string | readonly Token[])[] = [];
    const piece = /(?:[^'\\$]|\\.|\$(?!\{))*/y;
    this.#at += 1;
    for (;;) {
      piece.lastIndex = this.#at;
      const [word = ''] = piece.exec(this.#source) ?? [];
      this.#at += word.length;
      parts.push(word.replaceAll(/\\(.)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign)));
      const end = this.#source[this.#at] === "'";
      this.#at += end ? 1 : 2;
      if (end) return parts;
      parts.push(this.tokens('}').concat({ kind: 'end', word: '', parts: [], line: 0 }));
    }
  }
}
