// The rules that make a stand-in misbehave on demand: answers instead, delays, slow bodies, and connections that are dropped.
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context, MiddlewareHandler } from 'hono';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { checked } from '../check.ts';
import { knownRoles, type Directory } from './directory.ts';
import { serviceNames, type OwnEffect, type ServiceName, type StandInEnv } from './kit.ts';

const count = z.int().check(z.nonnegative());

const general = {
  status: z.strictObject({
    status: z.int().check(z.minimum(200), z.maximum(599)),
    headers: z.optional(
      z
        .record(z.string(), z.string())
        .check(z.refine(isHeaders, 'Invalid input: expected names and values of headers')),
    ),
    body: z.optional(z.unknown()),
  }),
  drop: z.strictObject({ drop: z.enum(['before', 'during', 'after']) }),
  delayMs: z.strictObject({ delayMs: count }),
  slowBodyMs: z.strictObject({ slowBodyMs: count }),
};
const generalEffect = z.union(Object.values(general));
type GeneralEffect = z.infer<typeof generalEffect>;

/** Every service looks up rights in the same directory, so that this one holds for all of them. */
const revokeEffect = z.strictObject({ revokePermission: z.enum(knownRoles) });

const ruleSchema = z.strictObject({
  service: z.enum(serviceNames),
  method: z.optional(z.string()),
  path: z.optional(z.string().check(z.refine(isPattern, 'Invalid input: expected a regular expression'))),
  skip: z.optional(count),
  times: z.optional(count),
  effect: z.record(z.string(), z.unknown()),
});

type RuleInput = z.infer<typeof ruleSchema>;
interface Rule extends RuleInput {
  readonly id: string;
  readonly general?: GeneralEffect;
  readonly revert?: () => void;
  met: number;
}

/** Why a rule was refused: the text is for the person who posted it. */
export class BadFault extends Error {}

export class FaultBook {
  readonly #rules = new Map<string, Rule>();
  readonly #own = new Map<ServiceName, Readonly<Record<string, OwnEffect>>>();
  readonly #directory: Directory;

  constructor(directory: Directory) {
    this.#directory = directory;
  }

  /** Makes a stand-in's own effects known; without this only the general ones are accepted for it. */
  know(service: ServiceName, effects: Readonly<Record<string, OwnEffect>>): void {
    this.#own.set(service, effects);
  }

  /** Adds a rule and answers its id. Throws `BadFault` naming what is wrong. */
  add(input: unknown): string {
    const rule = checked(ruleSchema, input, (text) => new BadFault(text));
    const id = randomUUID();
    this.#rules.set(id, { ...rule, id, met: 0, ...this.#effect(rule) });
    return id;
  }

  list(): readonly object[] {
    return [...this.#rules.values()].map(({ id, service, method, path, skip, times, effect, met }) => ({
      ...{ id, service, method, path, skip, times, effect, met },
    }));
  }

  /** True when there was such a rule. */
  remove(id: string): boolean {
    this.#rules.get(id)?.revert?.();
    return this.#rules.delete(id);
  }

  clear(): void {
    for (const id of this.#rules.keys()) this.remove(id);
  }

  middleware(service: ServiceName): MiddlewareHandler<StandInEnv> {
    return async (c, next) => {
      const rule = this.#match(service, c.req.method, c.req.path);
      if (!rule?.general) {
        await next();
        return undefined;
      }
      c.get('logged').fault = rule.id;
      return meet(rule.general, c, next);
    };
  }

  #effect(input: RuleInput): { general: GeneralEffect } | { revert: () => void } {
    const general = generalEffect.safeParse(input.effect);
    if (general.success) return { general: general.data };
    const revoke = revokeEffect.safeParse(input.effect);
    if (revoke.success) return { revert: this.#directory.suspend(revoke.data.revokePermission) };
    for (const own of Object.values(this.#own.get(input.service) ?? {})) {
      const parsed = own.schema.safeParse(input.effect);
      if (parsed.success) return { revert: own.apply(parsed.data) };
    }
    throw this.#refusal(input);
  }

  /** An effect that is known by its name has a wrong value: that is said, rather than that it is unknown. */
  #refusal({ service, effect }: RuleInput): BadFault {
    const own = Object.entries(this.#own.get(service) ?? {}).map(
      ([name, { schema }]) => [name, schema] as const,
    );
    const schemas = { ...general, ...Object.fromEntries(own), revokePermission: revokeEffect };
    const meant = Object.entries(schemas)
      .find(([name]) => name in effect)?.[1]
      .safeParse(effect).error;
    if (meant !== undefined) return new BadFault(`effect: ${z.prettifyError(meant)}`);
    const known = Object.keys(schemas).join(', ');
    return new BadFault(
      `effect: unknown for ${service}; known are ${known} (roles: ${knownRoles.join(', ')})`,
    );
  }

  #match(service: ServiceName, method: string, path: string): Rule | undefined {
    for (const rule of this.#rules.values()) {
      if (!rule.general || rule.service !== service) continue;
      if (rule.method !== undefined && rule.method.toUpperCase() !== method) continue;
      if (rule.path !== undefined && !new RegExp(rule.path).test(path)) continue;
      const number = rule.met - (rule.skip ?? 0);
      if (number >= (rule.times ?? Infinity)) continue;
      rule.met += 1;
      if (number >= 0) return rule;
    }
    return undefined;
  }
}

async function meet(
  effect: GeneralEffect,
  c: Context<StandInEnv>,
  next: () => Promise<void>,
): Promise<Response | undefined> {
  if ('delayMs' in effect) {
    await sleep(effect.delayMs);
    await next();
    return undefined;
  }
  if ('slowBodyMs' in effect) {
    await next();
    await replace(c, (response) => slowly(response, effect.slowBodyMs));
    return undefined;
  }
  if ('drop' in effect) {
    if (effect.drop !== 'before') await next();
    if (effect.drop === 'during') await replace(c, (response) => sendHalf(response, c));
    c.env.incoming.socket.destroy();
    return RESPONSE_ALREADY_SENT;
  }
  const { status, headers, body } = effect;
  const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);
  const type = typeof body === 'object' ? { 'content-type': 'application/json' } : {};
  return new Response(text, { status, headers: { ...type, ...headers } });
}

/** The framework sends what stands in the context, whatever a middleware answers after the service did. */
async function replace(
  c: Context<StandInEnv>,
  make: (response: Response) => Promise<Response>,
): Promise<void> {
  const made = await make(c.res);
  // Without this the new one would be joined with the old one.
  c.res = undefined;
  c.res = made;
}

/** The head at once, the body in pieces that take this long together. */
async function slowly(response: Response, ms: number): Promise<Response> {
  const body = new Uint8Array(await response.arrayBuffer());
  const pieces = 10;
  const size = Math.ceil(body.length / pieces);
  async function* inPieces(): AsyncGenerator<Uint8Array> {
    for (let from = 0; from < body.length; from += size) {
      await sleep(ms / pieces);
      yield body.subarray(from, from + size);
    }
  }
  const { status, headers } = response;
  return new Response(body.length === 0 ? null : ReadableStream.from(inPieces()), { status, headers });
}

/** The head promises the whole body. */
async function sendHalf(response: Response, { env: { outgoing } }: Context<StandInEnv>): Promise<Response> {
  const body = Buffer.from(await response.arrayBuffer());
  outgoing.writeHead(response.status, {
    ...Object.fromEntries(response.headers),
    'content-length': Math.max(body.length, 1),
  });
  await new Promise<void>((resolve) => {
    outgoing.write(body.subarray(0, Math.floor(body.length / 2)), () => {
      resolve();
    });
  });
  return RESPONSE_ALREADY_SENT;
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}

function isHeaders(headers: Record<string, string>): boolean {
  try {
    return new Headers(headers) instanceof Headers;
  } catch {
    return false;
  }
}
