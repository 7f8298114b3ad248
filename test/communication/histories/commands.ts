// What may happen in a history of the token service: commands to processes, time, and what is done to ACS; and their random choice.
import fc from 'fast-check';
import type { Subject, TokenRequest } from '../../../src/communication/communication.ts';
import type { Fate } from '../steps.ts';

export const users = ['alice', 'bob', 'carol'] as const;
export type UserName = (typeof users)[number];
export type Slot = 0 | 1 | 2;
export type Resource = 'A' | 'B';

export const endpoints: Readonly<Record<Resource, string>> = {
  A: 'https://telehealth-demo.communication.azure.com',
  B: 'https://another.communication.azure.com',
};

/** Everything that a process asks of storage and of ACS. */
export const stepNames = [
  ...(['rows.read', 'rows.write', 'rows.remove'] as const),
  ...(['outbox.add', 'outbox.drop', 'outbox.postpone', 'outbox.due'] as const),
  ...(['acs.create', 'acs.issue', 'acs.exchange', 'acs.revoke', 'acs.delete'] as const),
] as const;
type StepName = (typeof stepNames)[number];

interface Call {
  readonly user: UserName;
  /** The process that is asked. */
  readonly by: Slot;
  /** Age of the caller's own access token in seconds; undefined where a backend acts for the user. */
  readonly bearer: number | undefined;
}

export type Command =
  | (Call & { readonly kind: 'issue'; readonly request: TokenRequest })
  | (Call & { readonly kind: 'revoke' | 'revokeAll' | 'erase' | 'identity' })
  | (Call & { readonly kind: 'setAccess'; readonly enabled: boolean })
  | (Call & { readonly kind: 'exchange'; readonly withOid: boolean })
  | { readonly kind: 'cleanUp'; readonly by: Slot }
  /** Kills the process, whatever it is doing, and starts the next one with these settings. */
  | {
      readonly kind: 'start';
      readonly by: Slot;
      readonly resource: Resource;
      readonly repair: boolean;
    }
  | { readonly kind: 'advance'; readonly seconds: number }
  /** ACS forgets the user's identity. */
  | { readonly kind: 'lose'; readonly user: UserName };

export type UserCommand = Extract<Command, Call>;

/**
 * `slow`: time passes before the step; `stall …`: everybody else finishes before or after its effect; `hang …`: as `fail …`, and
 * the time limit of the call passes.
 */
export type Misfortune = Fate | 'slow' | 'stall before' | 'stall after' | 'hang before' | 'hang after';

export interface Fault {
  readonly by: Slot;
  /** The how many-th step of that process in the round, from 1, or the first one of that name. */
  readonly step: number | StepName;
  readonly fate: Misfortune;
  /** How long a slow step takes. */
  readonly seconds: number;
}

/** Commands that are under way together. */
export interface Round {
  readonly commands: readonly Command[];
  /** Whether all but the first one wait for one another: what a single slow call can live to see. */
  readonly inTurn: boolean;
  readonly faults: readonly Fault[];
  /** Turns of the event loop that the steps take, in rotation. */
  readonly paces: readonly number[];
  /** The step of the round at which all callers give up, where they do. */
  readonly giveUpAt: number | undefined;
}

export function subjectOf({ user, bearer, kind, ...more }: UserCommand, storeTime: number): Subject {
  const withOid = kind === 'exchange' && 'withOid' in more && more.withOid;
  return {
    key: `app.${user}`,
    ...(withOid ? { oid: user } : {}),
    ...(bearer === undefined ? {} : { tokenIssuedAt: storeTime / 1000 - bearer }),
  };
}

const user = fc.constantFrom<UserName>('alice', 'alice', 'alice', 'alice', 'bob', 'carol');
const by = fc.constantFrom<Slot>(0, 1, 2);
/** No bearer lives longer than a day. */
const bearer = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 3, arbitrary: fc.constantFrom(0, 1, 5) },
  { weight: 1, arbitrary: fc.nat(86_400) },
);
const request: fc.Arbitrary<TokenRequest> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.record({
      scopes: fc.option(fc.array(fc.constantFrom('chat', 'voip', 'pstn'), { maxLength: 3 }), {
        nil: undefined,
      }),
      expiresInMinutes: fc.option(fc.constantFrom(59, 60, 90.5, 240, 241), { nil: undefined }),
    }),
  },
);
const call = { user, by, bearer };
const backend = { user, by, bearer: fc.constant(undefined) };
const kind = <K extends string>(name: K): fc.Arbitrary<K> => fc.constant(name);

const choices: readonly (readonly [number, fc.Arbitrary<Command>])[] = [
  [9, fc.record({ kind: kind('issue'), ...call, request })],
  [3, fc.record({ kind: kind('revoke'), ...call })],
  [3, fc.record({ kind: kind('revokeAll'), ...backend })],
  [4, fc.record({ kind: kind('setAccess'), ...backend, enabled: fc.boolean() })],
  [4, fc.record({ kind: kind('erase'), ...call })],
  [2, fc.record({ kind: kind('identity'), ...call })],
  [2, fc.record({ kind: kind('exchange'), ...call, withOid: fc.constantFrom(true, true, false) })],
  [4, fc.record({ kind: kind('cleanUp'), by })],
  [
    3,
    fc.record({
      kind: kind('start'),
      by,
      resource: fc.constantFrom<Resource>('A', 'A', 'B'),
      repair: fc.boolean(),
    }),
  ],
  [4, fc.record({ kind: kind('advance'), seconds: fc.constantFrom(1, 31, 150, 3_700, 90_000, 180_000) })],
  [1, fc.record({ kind: kind('lose'), user })],
];
export const command: fc.Arbitrary<Command> = fc.oneof(
  ...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })),
);

const fates = fc.constantFrom<Misfortune>(
  'die before',
  'die after',
  'fail before',
  'fail after',
  'mistaken',
  'not landed',
  'throttled',
  'slow',
  'stall before',
  'stall after',
  'stall after',
  'hang before',
  'hang after',
);
const fault: fc.Arbitrary<Fault> = fc.record({
  by,
  step: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.constantFrom(...stepNames)),
  fate: fates,
  seconds: fc.constantFrom(5, 31, 130),
});

/** One slow first call, and what others can do to it meanwhile: seldom met by chance. */
const besieged: fc.Arbitrary<Round> = fc.constantFrom(...users).chain((whose) => {
  const target = {
    user: fc.constant(whose),
    bearer: fc.constant(undefined),
    by: fc.constantFrom<Slot>(1, 2),
  };
  const slow = { ...target, by: fc.constant<Slot>(0) };
  const first: fc.Arbitrary<Command> = fc.oneof(
    { weight: 2, arbitrary: fc.record({ kind: kind('issue'), ...slow, request: fc.constant({}) }) },
    fc.record({ kind: fc.constantFrom('revokeAll', 'erase'), ...slow }),
  );
  const other: fc.Arbitrary<Command> = fc.oneof(
    fc.record({ kind: fc.constantFrom('erase', 'erase', 'revokeAll'), ...target }),
    fc.record({ kind: kind('issue'), ...target, request: fc.constant({}) }),
    fc.record({ kind: kind('setAccess'), ...target, enabled: fc.boolean() }),
    fc.record({ kind: kind('cleanUp'), by: target.by }),
    fc.record({ kind: kind('advance'), seconds: fc.constantFrom(31, 150) }),
  );
  const stall = fc.record({
    ...{ by: fc.constant<Slot>(0), seconds: fc.constant(0) },
    step: fc.constantFrom<StepName>('acs.create', 'acs.create', 'acs.issue', 'acs.revoke', 'rows.write'),
    fate: fc.constantFrom<Misfortune>('stall before', 'stall after'),
  });
  const later = fc.record({
    ...{ by: fc.constant<Slot>(0), seconds: fc.constant(31), fate: fates },
    step: fc.constantFrom<StepName>('acs.delete', 'acs.delete', 'acs.revoke', 'acs.issue'),
  });
  return fc.record({
    commands: fc.tuple(first, other, other, other),
    ...{ inTurn: fc.constant(true), giveUpAt: fc.constant(undefined), paces: fc.constant([0]) },
    faults: fc.oneof(fc.tuple(stall), fc.tuple(stall, later)),
  });
});

/** Rounds of one command at a time or of several, with or without faults. */
export function rounds(atOnce: number, maxLength: number): fc.Arbitrary<readonly Round[]> {
  const round = fc.record({
    commands: fc.array(command, { minLength: 1, maxLength: atOnce, size: 'max' }),
    inTurn: fc.boolean(),
    faults: fc.oneof(fc.constant([]), fc.array(fault, { minLength: 1, maxLength: 3, size: 'max' })),
    paces: fc.array(fc.nat(atOnce === 1 ? 0 : 3), { minLength: 1, maxLength: 8 }),
    giveUpAt: fc.oneof(
      { weight: 9, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 12 }) },
    ),
  });
  const any = atOnce === 1 ? round.map(aimed) : fc.oneof(round.map(aimed), besieged);
  return fc.noBias(fc.array(any, { minLength: 1, maxLength, size: 'max' }));
}

/** The steps that make a kind of command what it is: faults that name a step would seldom meet them by chance. */
const ownSteps: Readonly<
  Record<Exclude<Command['kind'], 'start' | 'advance' | 'lose'>, readonly StepName[]>
> = {
  issue: ['acs.issue', 'acs.create', 'rows.write', 'outbox.drop', 'rows.read'],
  exchange: ['acs.exchange'],
  revoke: ['acs.revoke'],
  revokeAll: ['acs.revoke', 'rows.write', 'outbox.add'],
  setAccess: ['acs.revoke', 'rows.write', 'outbox.add'],
  erase: ['acs.delete', 'rows.write', 'outbox.postpone'],
  identity: ['rows.read'],
  cleanUp: ['outbox.due', 'outbox.postpone', 'outbox.drop', 'acs.delete', 'acs.revoke', 'rows.remove'],
};

/** Each fault is one of a process that has something to do, and of a step that comes up in it where it names one. */
function aimed(round: Round): Round {
  const faults = round.faults.map((one, at): Fault => {
    const target = round.commands[at % round.commands.length];
    if (!target || !('by' in target) || target.kind === 'start') return one;
    const own = ownSteps[target.kind];
    const step = typeof one.step === 'string' ? own[stepNames.indexOf(one.step) % own.length] : one.step;
    return { ...one, by: target.by, step: step ?? one.step };
  });
  return { ...round, faults };
}

/** One command in words, for the report of a failed history. */
export function say(one: Command): string {
  if (one.kind === 'advance') return `${String(one.seconds)} s pass`;
  if (one.kind === 'lose') return `ACS loses the identity of ${one.user}`;
  const process = `process ${String(one.by)}`;
  if (one.kind === 'cleanUp') return `${process} cleans up`;
  if (one.kind === 'start') {
    return `${process} starts anew: resource ${one.resource}, repair ${one.repair ? 'on' : 'off'}`;
  }
  const { kind: name, user: whose, by: _by, bearer: age, ...more } = one;
  const details = Object.keys(more).length === 0 ? '' : ` ${JSON.stringify(more)}`;
  return `${process}: ${name} ${whose}${details}${age === undefined ? '' : `, bearer ${String(age)} s old`}`;
}
