// Every HTTP handler in this process, called as the host calls it, with whatever a test puts behind it.
import assert from 'node:assert/strict';
import type { ChangeFeed } from '../../../src/changeFeed/changeFeed.ts';
import type { Communication } from '../../../src/communication/communication.ts';
import type { AppContext, Part } from '../../../src/functions/context.ts';
import type { Callers } from '../../../src/platform/caller.ts';
import { parseSettings } from '../../../src/platform/settings/settings.ts';
import type { Section } from '../../../src/platform/settings/types.ts';
import type { Rotation } from '../../../src/rotation/rotation.ts';
import { call, testContext } from '../../functions/registry.ts';
import { oid, openTokens, tenant } from '../../platform/issuer.ts';
import { sample } from '../bundle.ts';
import { checkAnswer } from './answers.ts';
import { operations, type Operation } from './document.ts';

export interface Behind {
  readonly misconfigured?: boolean;
  /** By default those of an issuer that publishes its keys. */
  readonly callers?: Callers;
  readonly communication?: Communication;
  readonly rotation?: Rotation;
  readonly changeFeed?: ChangeFeed;
}

const roles = { AUTH_BACKEND_ROLE: 'Backend', AUTH_OPERATOR_ROLE: 'Operator' };
const tokens = await openTokens();
/** The key of the user whose bearer every good call carries; a backend's calls are about `alice`. */
export const user = `entra.${tenant}.${oid}`;
const good = await tokens.bearer({ roles: Object.values(roles) });

/** The replay that calls are about. */
const replayId = '20260301T120102000-0f8c2a6d';

type Register = (context: AppContext) => void;

let behind: Behind = {};

/** Off, on and wrong are told apart at each call, so the same registrations serve every case. */
function section<T>(value: T): Section<T> {
  return {
    get state() {
      return behind.misconfigured ? 'misconfigured' : 'on';
    },
    ...{ value, problems: [] },
  };
}

function part<S, T>(settings: Section<S>, service: () => T | undefined): Section<Part<S, T>> {
  assert.ok(settings.state === 'on');
  return section({
    settings: settings.value,
    service: () => service() ?? assert.fail('the test puts no service behind this handler'),
    callers,
  });
}

const callers = (): Callers => behind.callers ?? tokens.callers;
const settings = parseSettings({ ...sample, ...roles });
const base = testContext();
export const { clock, health } = base;
const context: AppContext = {
  ...base,
  operators: section({ role: { role: roles.AUTH_OPERATOR_ROLE }, callers }),
  communication: part(settings.communication, () => behind.communication),
  rotation: part(settings.rotation, () => behind.rotation),
  changeFeed: part(settings.changeFeed, () => behind.changeFeed),
};
for (const { id } of operations) {
  const file = (await import(`../../../src/functions/${id}.ts`)) as Record<string, Register | undefined>;
  const register = file[id] ?? assert.fail(`${id}.ts registers no function of its name`);
  register(context);
}

export interface Asked {
  readonly userId?: string;
  readonly body?: string;
  /** Added to those of a good call. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Makes a call that is good but for what is asked otherwise, holds the answer to openapi.yaml and answers
 * `<status>`, with the code of a problem behind it.
 */
export async function ask(operation: Operation, asked: Asked, scene: Behind = {}): Promise<string> {
  const { id, method, path, body: expected, bearer } = operation;
  const { userId = 'alice', body = expected?.required ? JSON.stringify(expected.example) : undefined } =
    asked;
  const headers = {
    ...(bearer === undefined ? {} : { authorization: good }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...asked.headers,
  };
  behind = scene;
  const received = await call(id, {
    method,
    url: `http://localhost:7071/api${path.replace('{userId}', userId).replace('{id}', replayId)}`,
    params: { userId, id: replayId },
    headers,
    ...(body === undefined ? {} : { body }),
  });
  checkAnswer(operation, received);
  const { code } = received.text === '' ? {} : (JSON.parse(received.text) as { code?: string });
  return code === undefined ? String(received.status) : `${received.status} ${code}`;
}
