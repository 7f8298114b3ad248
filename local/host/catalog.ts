// Turns what the app registered into the functions the host serves, in its order, and says why one is in error.
import type { Binding, FunctionMetadata, RegisteredFunction } from './core.ts';
import { keyLevels, type KeyLevel } from './keys.ts';
import { errorMessage } from './log.ts';
import { parseTemplate, type RouteTemplate } from './routeTemplate.ts';
import { parseSchedule, resolveSettings, type Schedule } from './schedule.ts';

interface Common {
  readonly name: string;
  /** The name of its trigger binding, under which the worker expects the input. */
  readonly binding: string;
  readonly disabled: boolean;
  readonly registered: RegisteredFunction;
}

export interface HttpFunction extends Common {
  readonly type: 'httpTrigger';
  readonly methods: readonly string[];
  readonly authLevel: KeyLevel;
  /** Without the prefix. */
  readonly route: string;
  readonly template: RouteTemplate;
}

export interface TimerFunction extends Common {
  readonly type: 'timerTrigger';
  /** As registered, `%SETTING%` included. */
  readonly scheduleText: string;
  readonly schedule: Schedule;
  readonly useMonitor: boolean;
  readonly runOnStartup: boolean;
}

export type HostFunction = HttpFunction | TimerFunction;

export interface Catalog {
  /** Sorted by name: the first whose route and method fit answers (measured: a literal has no precedence). */
  readonly functions: readonly HostFunction[];
  readonly inError: readonly { readonly name: string; readonly reason: string }[];
}

export interface CatalogOptions {
  readonly routePrefix: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** Throws when two names differ in letter case only: the real host's state is then Error and every route answers 503. */
export function describeFunctions(
  registered: Iterable<RegisteredFunction>,
  options: CatalogOptions,
): Catalog {
  const sorted = [...registered].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const names = sorted.map(({ metadata }) => metadata.name.toLowerCase());
  const twin = sorted.find((_, index) => names.indexOf(names[index] ?? '') !== index);
  if (twin !== undefined) {
    throw new Error(`Two functions are named '${twin.metadata.name}' when letter case is ignored.`);
  }
  const functions: HostFunction[] = [];
  const inError: { name: string; reason: string }[] = [];
  for (const one of sorted) {
    try {
      const found = describe(one, options);
      refuseTakenRoute(found, functions);
      functions.push(found);
    } catch (error) {
      inError.push({ name: one.metadata.name, reason: errorMessage(error) });
    }
  }
  return { functions, inError };
}

function describe(registered: RegisteredFunction, options: CatalogOptions): HostFunction {
  const { metadata } = registered;
  if (!/^[a-z][a-z0-9_-]{0,126}$/i.test(metadata.name)) {
    throw new RangeError(
      `'${metadata.name}' is not a function name: expected a letter, then letters, digits, '_' or '-'.`,
    );
  }
  const [binding, trigger] = triggerOf(metadata);
  const { name } = metadata;
  const common = { name, binding, disabled: isDisabled(name, options.environment), registered };
  if (trigger.type === 'httpTrigger')
    return { ...common, type: 'httpTrigger', ...httpParts(name, trigger, options) };
  if (trigger.type === 'timerTrigger')
    return { ...common, type: 'timerTrigger', ...timerParts(trigger, options) };
  throw new RangeError(`The local host runs HTTP and timer triggers, not '${trigger.type}'.`);
}

function triggerOf({ name, bindings }: FunctionMetadata): [string, Binding] {
  const found = Object.entries(bindings).find(([, { type }]) => type.endsWith('Trigger'));
  if (found === undefined) throw new RangeError(`'${name}' has no trigger.`);
  return found;
}

/** Azure docs: both spellings of the setting are read; the one with dots cannot be a variable's name on Linux. */
function isDisabled(name: string, environment: NodeJS.ProcessEnv): boolean {
  const values = [environment[`AzureWebJobs_${name}_Disabled`], environment[`AzureWebJobs.${name}.Disabled`]];
  return values.some((value) => value === '1' || value?.toLowerCase() === 'true');
}

function httpParts(name: string, trigger: Binding, { routePrefix }: CatalogOptions) {
  const { authLevel = 'anonymous', methods, route } = trigger;
  const level = keyLevels.find((known) => known === String(authLevel).toLowerCase());
  if (level === undefined) {
    throw new RangeError(`'${String(authLevel)}' is not an authLevel: expected ${keyLevels.join(', ')}.`);
  }
  const path = typeof route === 'string' && route !== '' ? route : name;
  if (/^\/*(?:admin|runtime)/i.test(path)) {
    throw new RangeError(
      `The route '${path}' conflicts with a built-in route: it must not start with admin or runtime.`,
    );
  }
  const list = Array.isArray(methods) ? methods.map((method) => String(method).toUpperCase()) : [];
  const template = parseTemplate(routePrefix === '' ? path : `${routePrefix}/${path}`);
  return { methods: list, authLevel: level, route: path, template };
}

function timerParts(trigger: Binding, { environment }: CatalogOptions) {
  const { schedule: text, useMonitor, runOnStartup } = trigger;
  if (typeof text !== 'string') throw new RangeError('A timer needs a schedule.');
  const schedule = parseSchedule(resolveSettings(text, environment));
  return {
    scheduleText: text,
    schedule,
    useMonitor: useMonitor !== false && schedule.monitored,
    runOnStartup: runOnStartup === true,
  };
}

function refuseTakenRoute(found: HostFunction, earlier: readonly HostFunction[]): void {
  if (found.type !== 'httpTrigger') return;
  for (const other of earlier) {
    if (other.type !== 'httpTrigger' || other.route.toLowerCase() !== found.route.toLowerCase()) continue;
    if (found.methods.some((method) => takes(other, method)) || found.methods.length === 0) {
      throw new RangeError(`The route '${found.route}' conflicts with that of function '${other.name}'.`);
    }
  }
}

/** No methods at all means any method. */
export function takes({ methods }: HttpFunction, method: string): boolean {
  return methods.length === 0 || methods.includes(method);
}
