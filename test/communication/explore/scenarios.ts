// What happens at once, and what may go wrong meanwhile: each scenario is explored in every order.
import type { Doing, Role } from './actor.ts';
import type { Scenario } from './explorer.ts';
import type { Fault } from './step.ts';

const crashes: readonly Fault[] = ['kill', 'last', 'fail', 'lost', 'late', 'refused'];
/** Longer than the clean-up's grace. */
const graceMs = 150_000;

const role = (name: string, ...does: readonly Doing[]): Role => ({ name, does });
const issued = [['a', 'issue']] as const;

export const scenarios = {
  'two first calls': {
    roles: [role('a', 'issue'), role('b', 'issue')],
    faults: ['kill', 'fail', 'lost', 'refused'],
    least: [2700, 130],
  },
  'two first calls, slow': {
    roles: [role('a', 'issue'), role('b', 'issue')],
    faults: ['slow'],
    least: [9000, 150],
  },
  'a first call and the timer, slow or killed': {
    roles: [role('a', 'issue'), role('timer 1', 'cleanUp')],
    ...{ faults: ['tick', 'kill'], budget: 2, tickMs: graceMs },
    least: [12200, 230],
  },
  'a first call and an erase': {
    roles: [role('a', 'issue'), role('b', 'erase')],
    faults: ['kill', 'fail', 'lost'],
    least: [3000, 140],
  },
  'a first call and a ban': {
    roles: [role('a', 'issue'), role('b', 'disable')],
    faults: ['kill', 'lost'],
    least: [2600, 60],
  },
  'a warm call and a ban': {
    before: issued,
    roles: [role('a', 'issue'), role('b', 'disable')],
    faults: crashes,
    least: [590, 12],
  },
  'a call, a ban and its end': {
    before: issued,
    roles: [role('a', 'issue'), role('b', 'disable', 'enable')],
    faults: ['kill', 'fail'],
    least: [600, 20],
  },
  'a warm call, an erase and a first call': {
    before: issued,
    roles: [role('a', 'issue'), role('b', 'erase', 'issue')],
    faults: ['kill', 'fail'],
    least: [3100, 190],
  },
  'a call with an old bearer and a revocation of everything': {
    before: issued,
    roles: [{ ...role('a', 'issue'), bearer: true }, role('b', 'revokeAll')],
    faults: crashes,
    least: [460, 20],
  },
  'two revocations of everything with a call in between': {
    before: issued,
    roles: [role('a', 'revokeAll'), role('b', 'issue', 'revokeAll')],
    faults: ['kill'],
    least: [3700, 40],
  },
  'a user revokes while he is erased': {
    before: issued,
    roles: [role('a', 'revoke'), role('b', 'erase')],
    faults: ['kill', 'fail', 'lost'],
    least: [160, 12],
  },
  'a user is erased twice and gets a new identity in between': {
    before: issued,
    roles: [role('a', 'erase'), role('b', 'erase', 'issue', 'erase')],
    switches: 3,
    least: [5600, 70],
  },
  'a ban and an erase': {
    before: issued,
    roles: [role('a', 'disable'), role('b', 'erase')],
    faults: ['kill'],
    least: [3800, 20],
  },
  'an exchange for Teams and a ban': {
    roles: [role('a', 'exchange'), role('b', 'disable')],
    faults: ['kill', 'fail'],
    least: [60, 7],
  },
  'an exchange for Teams with an old bearer and a revocation': {
    roles: [{ ...role('a', 'exchange'), bearer: true }, role('b', 'revokeAll')],
    least: [19, 1],
  },
  'ACS denies an identity that is erased meanwhile': {
    before: issued,
    roles: [{ ...role('a', 'issue'), repair: true }, role('b', 'erase')],
    ...{ faults: ['gone', 'kill'], budget: 2 },
    least: [1500, 110],
  },
  'ACS denies an identity to two calls': {
    before: issued,
    roles: [
      { ...role('a', 'issue'), repair: true },
      { ...role('b', 'issue'), repair: true },
    ],
    faults: ['gone'],
    budget: 2,
    least: [210, 12],
  },
  'first calls of two resources': {
    roles: [
      { ...role('a', 'issue', 'revoke'), repair: true },
      { ...role('b', 'issue', 'revoke'), repair: true, elsewhere: true },
    ],
    least: [190, 3],
  },
  'an erase for another resource': {
    before: [['first', 'issue']],
    roles: [{ ...role('a', 'erase', 'cleanUp'), elsewhere: true }, { ...role('b', 'issue') }],
    faults: ['kill', 'fail'],
    least: [110, 19],
  },
  'an erase, and the timer of another resource': {
    before: issued,
    roles: [role('a', 'erase'), { ...role('b', 'cleanUp'), elsewhere: true }],
    ...{ faults: ['kill', 'tick'], budget: 2, tickMs: graceMs },
    least: [2600, 80],
  },
  'a call, an exchange and a ban': {
    before: issued,
    roles: [role('a', 'issue'), role('b', 'exchange'), role('c', 'disable')],
    least: [180, 1],
  },
  'an erase after a revocation of everything': {
    before: [...issued, ['first', 'revokeAll']],
    roles: [role('b', 'erase')],
    faults: crashes,
    least: [80, 11],
  },
  'a first call and an erase, and another resource for a while': {
    roles: [role('a', 'issue'), role('b', 'erase')],
    ...{ faults: ['kill'], swapped: true },
    least: [370, 50],
  },
  'a ban, and another resource for a while': {
    before: issued,
    roles: [role('b', 'disable')],
    ...{ faults: crashes, swapped: true },
    least: [80, 10],
  },
  'a stray that the row names after all': {
    before: issued,
    roles: [role('a', 'issue'), role('timer 1', 'cleanUp')],
    ...{ faults: crashes, stray: true },
    least: [30, 7],
  },
} satisfies Record<string, Omit<Scenario, 'name'>>;

export type ScenarioName = keyof typeof scenarios;
