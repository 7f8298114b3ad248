// Sees every HTTP answer that this process gets and notes which service it came from: one place for all the Azure clients.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ClientRequest, IncomingMessage } from 'node:http';
import { judgeStatus, type Dependency } from './dependencies.ts';
import type { DependencyBoard, Outcome } from './dependencyBoard.ts';
import { sha256Hex } from './hash.ts';

/**
 * Node tells of each answer and each broken request (https://nodejs.org/api/diagnostics_channel.html, built-in channels); the
 * storage clients take no policy that would. Of a request nothing is kept but its time and its status or Node's code.
 * Answers what stops it.
 */
export function watchRequests(board: DependencyBoard): () => void {
  let places: readonly Place[] | undefined;
  const note = (message: unknown, outcomeOf: (dependency: Dependency) => Outcome | undefined): void => {
    const request = fieldOf(message, 'request');
    if (!(request instanceof ClientRequest)) return;
    places ??= placesOf(board.dependencies);
    const dependency = owner(places, request);
    const outcome = dependency && outcomeOf(dependency);
    if (outcome) board.note(dependency, { ...outcome, ...aboutOf(dependency, request) });
  };
  const finished = (message: unknown): void => {
    const response = fieldOf(message, 'response');
    const request = fieldOf(message, 'request');
    if (!(response instanceof IncomingMessage) || !(request instanceof ClientRequest)) return;
    const status = response.statusCode ?? 0;
    note(message, ({ name }) => {
      const failure = wroteBefore(response) ? undefined : judgeStatus(name, status);
      if (failure === undefined) return {};
      // The first request to a vault goes out unsigned, to be told where tokens come from (measured).
      const isChallenge = status === 401 && isSigned(name) && !request.hasHeader('authorization');
      return isChallenge ? undefined : { failure, code: status };
    });
  };
  const failed = (message: unknown): void => {
    note(message, () => ({ failure: 'silent', code: codeOf(fieldOf(message, 'error')) }));
  };
  subscribe('http.client.response.finish', finished);
  subscribe('http.client.request.error', failed);
  return () => {
    unsubscribe('http.client.response.finish', finished);
    unsubscribe('http.client.request.error', failed);
  };
}

/** Azure docs: how a role that may add and not overwrite is told that the blob is there already. The caller goes on. */
const wroteBefore = ({ headers }: IncomingMessage): boolean =>
  headers['x-ms-error-code'] === 'UnauthorizedBlobOverwrite';

const isSigned = (name: Dependency['name']): boolean => name !== 'webhook' && name !== 'issuer';

interface Place {
  readonly dependency: Dependency;
  /** Host and path. */
  readonly place: string;
}

/** A connection string that the SDK cannot read must not end the process, as whatever a listener of Node's throws does. */
function placeOf({ base }: Dependency): string | undefined {
  try {
    const url = base && new URL(base());
    return url && `${url.host}${url.pathname.replace(/\/$/, '')}`;
  } catch {
    return undefined;
  }
}

/** The narrower one first where two overlap. */
function placesOf(dependencies: readonly Dependency[]): readonly Place[] {
  return dependencies
    .flatMap((dependency) => {
      const place = placeOf(dependency);
      return place === undefined ? [] : [{ dependency, place }];
    })
    .sort((left, right) => right.place.length - left.place.length);
}

function owner(places: readonly Place[], request: ClientRequest): Dependency | undefined {
  const host = request.getHeader('host');
  const { method, path } = request;
  const asked = `${typeof host === 'string' ? host.replace(/:443$/, '').toLowerCase() : ''}${path}`;
  return places.find(
    ({ place, dependency: { asks } }) =>
      asked.startsWith(place) &&
      ['', '/', '?', '('].includes(asked.charAt(place.length)) &&
      (asks === undefined || asks({ method, path })),
  )?.dependency;
}

/** A user whose identity is of another resource is refused alone (recorded answers of ACS): that says little of the app. */
function aboutOf({ name }: Dependency, { path }: ClientRequest): Pick<Outcome, 'about'> {
  const [, person] =
    name === 'communication' ? (/^\/(?:identities|teamsUser)\/([^/?]+)/.exec(path) ?? []) : [];
  return person === undefined ? {} : { about: sha256Hex(person) };
}

function fieldOf(message: unknown, name: string): unknown {
  return typeof message === 'object' && message !== null ? Reflect.get(message, name) : undefined;
}

/** Node's own codes are short words in capitals; anything else is not shown. */
function codeOf(error: unknown): string {
  const code = fieldOf(error, 'code');
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,39}$/.test(code) ? code : 'no_answer';
}
