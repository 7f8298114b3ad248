// Helpers for a stand-in's own scripted effects: a checked rule, and a value that rules override for as long as they live.
import type { ZodMiniType } from 'zod/mini';
import type { OwnEffect } from './kit.ts';

/** An effect whose rule object is what `schema` accepts; `on` switches it on and answers how to switch it off. */
export function ownEffect<T>(schema: ZodMiniType<T>, on: (effect: T) => () => void): OwnEffect {
  return { schema, apply: (effect) => on(schema.parse(effect)) };
}

/** A value set by rules: the latest one that is still alive counts. */
export class Override<T> {
  readonly #rules: { readonly value: T }[] = [];

  set(value: T): () => void {
    const rule = { value };
    this.#rules.push(rule);
    return () => {
      const at = this.#rules.indexOf(rule);
      if (at >= 0) this.#rules.splice(at, 1);
    };
  }

  get current(): T | undefined {
    return this.#rules.at(-1)?.value;
  }
}
