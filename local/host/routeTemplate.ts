// ASP.NET route templates, as far as a Functions route may use them: literals, parameters, constraints and a catch-all.

export interface RouteTemplate {
  /** The route parameters when the decoded path fits, else undefined; an absent optional parameter has no entry. */
  match(path: string): Record<string, string> | undefined;
}

interface Parameter {
  readonly name: string;
  readonly checks: readonly ((value: string) => boolean)[];
}

interface Segment {
  readonly pattern: RegExp;
  readonly parameters: readonly Parameter[];
  readonly optional: boolean;
  readonly catchAll: boolean;
}

const parameterSyntax = /^(\*{0,2})([A-Za-z_]\w*)((?::[a-z]+(?:\([^)]*\))?)*)(\??)$/;

const whole = (minimum: bigint, maximum: bigint) => (value: string) =>
  /^\s*[+-]?\d+\s*$/.test(value) &&
  BigInt(value.replace('+', '')) >= minimum &&
  BigInt(value.replace('+', '')) <= maximum;

const int64 = [-(2n ** 63n), 2n ** 63n - 1n] as const;

const constraints: Readonly<Record<string, (argument: string) => (value: string) => boolean>> = {
  int: () => whole(-(2n ** 31n), 2n ** 31n - 1n),
  long: () => whole(...int64),
  min: (least) => whole(BigInt(least), int64[1]),
  max: (most) => whole(int64[0], BigInt(most)),
  bool: () => (value) => /^\s*(?:true|false)\s*$/i.test(value),
  guid: () => (value) => /^[{(]?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}[})]?$/i.test(value),
  alpha: () => (value) => /^[a-z]*$/i.test(value),
  minlength: (least) => (value) => value.length >= Number(least),
  maxlength: (most) => (value) => value.length <= Number(most),
  length: (exact) => (value) => value.length === Number(exact),
};

/** Throws a RangeError that says what is wrong with the template; the host then puts that one function in error. */
export function parseTemplate(template: string): RouteTemplate {
  const texts = template.split('/');
  if (texts.some((text) => text === '')) {
    throw new RangeError(
      `The route '${template}' has an empty segment: expected no leading, trailing or double '/'.`,
    );
  }
  const segments = texts.map(parseSegment);
  const misplaced = segments.findIndex((segment, index) => segment.catchAll && index < segments.length - 1);
  if (misplaced >= 0)
    throw new RangeError(`The route '${template}' has a catch-all before its last segment.`);
  const names = segments.flatMap((segment) => segment.parameters.map(({ name }) => name.toLowerCase()));
  if (new Set(names).size < names.length)
    throw new RangeError(`The route '${template}' names a parameter twice.`);
  return { match: (path) => matchSegments(segments, path) };
}

function parseSegment(text: string): Segment {
  const pieces = text.split(/(\{[^{}]*\})/).filter((piece) => piece !== '');
  const parameters: Parameter[] = [];
  let pattern = '';
  let marks = '';
  for (const piece of pieces) {
    if (!piece.startsWith('{')) {
      if (/[{}?]/.test(piece))
        throw new RangeError(`The route segment '${text}' has a stray '{', '}' or '?'.`);
      pattern += piece.replace(/[\\^$.*+()[\]|-]/g, '\\$&');
      continue;
    }
    const { stars, parameter, optional } = parseParameter(piece);
    parameters.push(parameter);
    pattern += '(.+)';
    marks += stars + optional;
  }
  if (marks !== '' && pieces.length > 1) {
    throw new RangeError(
      `In the route segment '${text}' an optional or catch-all parameter must stand alone.`,
    );
  }
  return {
    pattern: new RegExp(`^${pattern}$`, 'is'),
    parameters,
    optional: marks.includes('?'),
    catchAll: marks.includes('*'),
  };
}

function parseParameter(piece: string): { stars: string; parameter: Parameter; optional: string } {
  const [, stars = '', name, list = '', optional = ''] = parameterSyntax.exec(piece.slice(1, -1)) ?? [];
  if (name === undefined) throw new RangeError(`The route parameter '${piece}' is not understood here.`);
  const checks = [...list.matchAll(/:([a-z]+)(?:\(([^)]*)\))?/g)].map(
    ([, constraint = '', argument = '']) => {
      const make = constraints[constraint];
      if (make === undefined) throw new RangeError(`The route constraint '${constraint}' is not known here.`);
      return make(argument);
    },
  );
  return { stars, parameter: { name, checks }, optional };
}

function matchSegments(segments: readonly Segment[], path: string): Record<string, string> | undefined {
  const texts = path.slice(1).split('/');
  if (texts.at(-1) === '') texts.pop();
  const values: [string, string][] = [];
  for (const [index, text] of texts.entries()) {
    const segment = segments[index];
    if (text === '' || segment === undefined) return undefined;
    const rest = segment.catchAll ? path.slice(1).split('/').slice(index).join('/') : text;
    const found = segment.pattern.exec(rest);
    if (found === null) return undefined;
    for (const [at, parameter] of segment.parameters.entries()) {
      const value = found[at + 1] ?? '';
      if (!parameter.checks.every((check) => check(value))) return undefined;
      values.push([parameter.name, value]);
    }
    if (segment.catchAll) break;
  }
  const unmatched = segments.slice(texts.length);
  return unmatched.every(({ optional, catchAll }) => optional || catchAll)
    ? Object.fromEntries(values)
    : undefined;
}
