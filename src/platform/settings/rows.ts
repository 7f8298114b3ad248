// What rows of the table of settings are made of: one setting's form, and the forms that several share.
/** Parses one setting's text; `undefined` from `parse` means that the text does not fit `expects`. */
export interface Row<T> {
  readonly parse: (text: string) => T | undefined;
  readonly expects: string;
  readonly fallback?: string;
  /** Its value is never shown. */
  readonly secret?: true;
  /** For a value with parts: says which part is wrong and what it should be, instead of showing the whole. */
  readonly explain?: (text: string) => string;
}

export const row = <T>(expects: string, parse: Row<T>['parse'], fallback?: string): Row<T> =>
  fallback === undefined ? { expects, parse } : { expects, parse, fallback };

export const matches = (pattern: RegExp) => (text: string) => (pattern.test(text) ? text : undefined);
export const guid = matches(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i);

/** An https URL without query, fragment and user. */
export function httpsUrl(text: string): URL | undefined {
  const url = /[?#@]/.test(text) ? null : URL.parse(text);
  return url?.protocol === 'https:' ? url : undefined;
}

/** `https://host[:port]` without path, query or user, a trailing slash removed and the host in lower case. */
export function httpsOrigin(text: string): string | undefined {
  const url = httpsUrl(text);
  return url?.pathname === '/' ? url.origin : undefined;
}

export function integer(min: number, max: number, fallback: string): Row<number> {
  return row(
    `a whole number from ${String(min)} to ${String(max)}`,
    (text) =>
      /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined,
    fallback,
  );
}

/** Comma separated items, each checked; undefined when one fails, none is given or one is given twice. */
export function list<T>(item: (text: string) => T | undefined): (text: string) => readonly T[] | undefined {
  return (text) => {
    const items = text.split(',').map((part) => item(part.trim()));
    const good = items.filter((value) => value !== undefined);
    return good.length === items.length && new Set(good).size === good.length ? good : undefined;
  };
}

export const oneOf =
  <const T extends string>(...words: readonly T[]) =>
  (text: string): T | undefined =>
    words.find((word) => word === text);

export const onOff = (fallback: string): Row<boolean> =>
  row('on or off', (text) => (text === 'on' ? true : text === 'off' ? false : undefined), fallback);
