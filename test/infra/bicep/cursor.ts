// Goes through the words of a template.
import type { Token } from './tokens.ts';

export class Cursor {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get token(): Token {
    return this.ahead(0);
  }

  ahead(count: number): Token {
    const token = this.#tokens[this.#at + count] ?? this.#tokens.at(-1);
    if (!token) throw new Error('nothing to read');
    return token;
  }

  next(): Token {
    const { token } = this;
    this.#at += 1;
    return token;
  }

  is(word: string): boolean {
    return this.token.kind !== 'text' && this.token.word === word;
  }

  accept(word: string): boolean {
    const found = this.is(word);
    if (found) this.#at += 1;
    return found;
  }

  expect(word: string): void {
    if (!this.accept(word)) this.refuse(word);
  }

  refuse(expected: string): never {
    throw new Error(`line ${this.token.line}: expected ${expected}, not ${this.token.word}`);
  }

  name(): string {
    return this.token.kind === 'name' ? this.next().word : this.refuse('a name');
  }

  /** A text that nothing is put into. */
  plainText(): string {
    const [part = '', ...more] = this.token.parts;
    if (this.token.kind !== 'text' || more.length > 0 || typeof part !== 'string')
      return this.refuse('a plain text');
    this.#at += 1;
    return part;
  }

  lines(): void {
    while (this.token.kind === 'line') this.#at += 1;
  }

  /** Past line ends, if `word` comes after them. */
  acceptLater(word: string): boolean {
    const before = this.#at;
    this.lines();
    if (this.accept(word)) return true;
    this.#at = before;
    return false;
  }

  /** Up to `closing`, between commas or line ends. */
  items<T>(closing: string, read: () => T): readonly T[] {
    const found: T[] = [];
    this.lines();
    while (!this.accept(closing)) {
      found.push(read());
      this.lines();
      if (this.accept(',')) this.lines();
    }
    return found;
  }
}
