// Work that is put off until it is first needed, and then done a single time.

/** Runs `make` at the first call and remembers what it made. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
