// Holds openapi.yaml to the code: valid, every function and nothing else, the handlers’ own shapes and limits, the README.
import { Validator } from '@seriousme/openapi-schema-validator';
import * as fc from 'fast-check';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { detailsShape } from '../cli/doctor/details.ts';
import { reportShape as feedReport } from '../src/changeFeed/report.ts';
import { redriveShape } from '../src/changeFeed/redrive.ts';
import { replayShape } from '../src/changeFeed/replayReport.ts';
import { minutesMin } from '../src/communication/policy.ts';
import { backendSubject } from '../src/communication/subject.ts';
import { AppError, errorCodes } from '../src/platform/errors.ts';
import {
  cyclesPerHour,
  httpAnswerGraceMs,
  httpCallBudgetMs,
  httpRunBudgetMs,
  maxBodyBytes,
} from '../src/platform/limits.ts';
import { toProblem } from '../src/platform/problem.ts';
import { table } from '../src/platform/settings/table.ts';
import { reportShape as rotationReport } from '../src/rotation/report.ts';
import { registered, sample } from './support/bundle.ts';
import { mismatch } from './support/openapi/answers.ts';
import { document, operationOf, operations, problemType, source } from './support/openapi/document.ts';
import { bodies } from './support/openapi/requests.ts';
import { nearly, plain, schemaOf } from './support/openapi/schemas.ts';

const root = join(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

describe('the document', () => {
  test('is OpenAPI 3.1, of this version', async () => {
    const validator = new Validator();
    const result = await validator.validate(source as Record<string, unknown>);
    assert.deepEqual([result, validator.version], [{ valid: true }, '3.1']);
    assert.equal(document.info.version, version);
  });

  test('has only examples that fit their schemas', () => {
    const examples: (readonly [string, Record<string, unknown>, unknown])[] = [];
    for (const { id, body, parameters, answers } of operations) {
      if (body) examples.push([`${id} body`, body.schema, body.example]);
      for (const { name, schema, example } of parameters) examples.push([`${id} ${name}`, schema, example]);
      for (const { status, content } of answers) {
        const problem = content?.[problemType];
        if (problem?.example !== undefined)
          examples.push([`${id} ${status}`, problem.schema, problem.example]);
      }
    }
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      const some = schema['examples'];
      if (Array.isArray(some)) for (const one of some as unknown[]) examples.push([name, schema, one]);
    }
    assert.ok(examples.length > 150);
    for (const [name, schema, example] of examples) assert.equal(mismatch(schema, example), undefined, name);
  });

  test('closes every object that it describes, so that a field too many is found', () => {
    const open: string[] = [];
    const walk = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      if (Reflect.get(node, 'type') === 'object' && Reflect.get(node, 'additionalProperties') === undefined)
        open.push(path);
      for (const [key, value] of Object.entries(node)) walk(value, `${path}/${key}`);
    };
    walk(document.components.schemas, '');
    walk(document.components.responses, '');
    assert.deepEqual(open, []);
  });
});

describe('the operations', () => {
  const routes = registered(sample).lines.filter((line) => !line.includes(': timer '));

  test('are the registered functions, with method, route and auth level, and no others', () => {
    const described = operations.map(
      ({ id, method, path, key }) => `${id}: ${method} ${path.slice(1)} ${key ? 'function' : 'anonymous'}`,
    );
    assert.ok(routes.length > 10);
    assert.deepEqual(described.sort(), routes);
  });

  test('say which setting they need where the bundle leaves them out without it', () => {
    for (const setting of ['SELF_ERASE', 'TEAMS_CLIENT_ID']) {
      const rest = registered({ ...sample, [setting]: '' }).lines;
      const missing = routes.filter((line) => !rest.includes(line)).map((line) => line.replace(/:.*/, ''));
      assert.equal(missing.length, 1);
      for (const id of missing) assert.match(operationOf(id).description, new RegExp(setting));
    }
    const without = registered({ ...sample, AUTH_ISSUER: '', AUTH_AUDIENCE: '', TEAMS_CLIENT_ID: '' }).lines;
    const selfService = operations.filter(({ bearer }) => bearer === 'userToken');
    assert.ok(selfService.length > 0);
    for (const { id, description } of selfService) {
      assert.ok(!without.some((line) => line.startsWith(`${id}:`)));
      assert.match(description, /AUTH_ISSUER|Entra issuer/);
    }
  });

  test('stand in the README with the same key and bearer, and no others', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const rows = [...readme.matchAll(/^\| `([A-Z]+ \/api\/\S+)` *\| (\S+) *\| (\S+) *\|/gm)];
    const bearers: Readonly<Record<string, string>> = {
      userToken: 'user',
      backendToken: '`AUTH_BACKEND_ROLE`',
      operatorToken: '`AUTH_OPERATOR_ROLE`',
    };
    assert.deepEqual(
      rows.map(([, route = '', key = '', bearer = '']) => [route, key, bearer]).sort(),
      operations
        .map(({ method, path, key, bearer = '' }) => [
          `${method} /api${path}`,
          key ? 'function' : '-',
          bearers[bearer] ?? '-',
        ])
        .sort(),
    );
  });
});

describe('what is described as a body', () => {
  test('is what the handlers parse, field by field', () => {
    const described = operations.filter(({ body }) => body).map(({ id }) => id);
    assert.deepEqual(described.sort(), Object.keys(bodies).sort());
    for (const [id, { parsed, byPolicy = [] }] of Object.entries(bodies)) {
      assert.deepEqual(plain(operationOf(id).body?.schema, byPolicy), schemaOf(parsed), id);
    }
  });

  test('is taken by the handler exactly when it fits', () => {
    for (const [id, { taken }] of Object.entries(bodies)) {
      const schema = operationOf(id).body?.schema;
      assert.ok(schema);
      const verdicts: boolean[] = [];
      const agree = (value: unknown): void => {
        const fault = mismatch(schema, value);
        assert.equal(taken(value), fault === undefined, `${id}: ${JSON.stringify(value)} ${fault ?? ''}`);
        verdicts.push(fault === undefined);
      };
      fc.assert(fc.property(nearly(schema), agree), { numRuns: 1000 });
      const fitting = verdicts.filter((fits) => fits).length;
      assert.ok(fitting > 20 && fitting < 980, `${id}: ${fitting} of 1000 fit`);
    }
  });

  test('is what is stored as a report', () => {
    const { RotationReport, FeedReport, RedriveReport, ReplayReport } = document.components.schemas;
    assert.deepEqual(plain(RotationReport), schemaOf(rotationReport));
    assert.deepEqual(plain(FeedReport), schemaOf(feedReport));
    assert.deepEqual(plain(RedriveReport), schemaOf(redriveShape));
    assert.deepEqual(plain(ReplayReport), schemaOf(replayShape));
  });

  test('is what the doctor reads of the health, with the same services', () => {
    assert.deepEqual(plain(document.components.schemas['HealthDetails']), schemaOf(detailsShape));
  });
});

describe('the problems', () => {
  test('have the codes of the closed set, and each status its own', () => {
    const { properties } = document.components.schemas['Problem'] as {
      properties: { code: { enum: string[] } };
    };
    assert.deepEqual(properties.code.enum.sort(), [...errorCodes].sort());
    const used = new Set<string>();
    for (const { id, answers } of operations) {
      for (const { status, codes } of answers) {
        for (const code of errorCodes.filter((one) => codes.includes(one))) {
          used.add(code);
          const waits = [undefined, 1].map(
            (retryAfterSeconds) => toProblem(new AppError(code, 'x', { retryAfterSeconds }), 'x').status,
          );
          assert.ok(waits.includes(status), `${id}: ${code} never comes with ${status}`);
        }
      }
    }
    assert.deepEqual([...used].sort(), [...errorCodes].sort());
  });
});

describe('the limits', () => {
  const { TokenRequest } = document.components.schemas;
  const { properties: request } = TokenRequest as unknown as {
    properties: {
      scopes: { items: { enum: string[] } };
      expiresInMinutes: { minimum: number; maximum: number };
    };
  };

  test('of minutes and scopes are those of the policy and the settings', () => {
    const { minimum, maximum } = request.expiresInMinutes;
    assert.equal(minimum, minutesMin);
    const fits = (minutes: number): boolean => table.TOKEN_MINUTES_MAX.parse(String(minutes)) !== undefined;
    assert.deepEqual([fits(maximum), fits(maximum + 1)], [true, false]);
    const scopes = request.scopes.items.enum;
    assert.deepEqual(table.TOKEN_SCOPES.parse(scopes.join()), scopes);
    assert.match(table.TOKEN_SCOPES.expects, new RegExp(scopes.join('.*')));
  });

  test('of bodies and of time are said in words', () => {
    const { description } = document.info;
    assert.ok(description.includes(`at most ${maxBodyBytes / 1024} KiB`));
    assert.ok(description.includes(`within ${(httpCallBudgetMs + httpAnswerGraceMs) / 1000} s`));
    assert.ok(description.includes(`a run within ${(httpRunBudgetMs + httpAnswerGraceMs) / 1000} s`));
    const { TooLarge, UpstreamTimeout, RateLimited } = document.components.responses;
    assert.ok(RateLimited?.description.includes(`more than ${cyclesPerHour} identities`));
    assert.ok(TooLarge?.description.includes(`${maxBodyBytes} bytes`));
    assert.ok(UpstreamTimeout?.description.includes(`${httpCallBudgetMs / 1000} s`));
    assert.ok(UpstreamTimeout?.description.includes(`${httpRunBudgetMs / 1000} s`));
  });

  test('of a user id are those of the handler', () => {
    const [userId] = operationOf('getUser').parameters;
    assert.ok(userId);
    const ids = [
      'a',
      '.',
      '...',
      'a.',
      '..a',
      'A-z_0~9',
      '',
      'é',
      'a b',
      'a/b',
      'a%2Fb',
      'a\n',
      '\n',
      'ａ',
      '👩',
    ];
    for (const id of [...ids, 'x'.repeat(256), 'x'.repeat(257), '.'.repeat(256)]) {
      let taken = true;
      try {
        backendSubject(id);
      } catch {
        taken = false;
      }
      assert.equal(mismatch(userId.schema, id) === undefined, taken, JSON.stringify(id));
    }
  });
});
