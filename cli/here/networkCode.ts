// Why a request got no answer, in the one word that is safe to show.

/**
 * Node's own code of a failed request, such as `ENOTFOUND` or `ECONNREFUSED`, from the error or what lies underneath it.
 * What a library says beside it may hold a URL or a header.
 */
export function networkCodeIn(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code: unknown = Reflect.get(at, 'code');
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,39}$/.test(code)) return code;
  }
  return undefined;
}
