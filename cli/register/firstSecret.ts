// The first secret: minted, proven and published by the rotation's own steps, so that the rotation knows it as its own.
import type { Log } from '../../src/platform/log.ts';
import { rotationPublishWithinMs } from '../../src/platform/limits.ts';
import { isoTime } from '../../src/platform/clock.ts';
import type { Run } from '../../src/platform/run.ts';
import { Secret } from '../../src/platform/secret.ts';
import { act } from '../../src/rotation/act.ts';
import { observe, observePreflight, type Seen, type Services } from '../../src/rotation/observe.ts';
import { planRun, type Plan } from '../../src/rotation/plan.ts';
import { RotationProblem } from '../../src/rotation/problems.ts';
import type { RotationState } from '../../src/rotation/stateDocument.ts';
import { targetOf, type Target } from '../../src/rotation/target.ts';
import type { RegisterOptions } from './options.ts';
import { refusal, RegisterProblem } from './problems.ts';
import { known, type Done, type Finding, type Scene, type Step } from './steps.ts';

export interface Workshop {
  readonly services: Services;
  readonly log: Log;
  readonly run: Run;
}

/** Entra may not know an application that was made a moment ago. */
const entraSettleMs = 120_000;
const entraGapMs = 3_000;
/**
 * No live run publishes later than ten minutes after its mint, and a write that Key Vault carries out late gets a grace on
 * top: a credential older than this that no version names was left behind.
 */
const leftoverMs = rotationPublishWithinMs + 5 * 60_000;

/** Without the state blob: this run alone decides, and nobody reads what it remembers. */
class OwnState {
  value: RotationState = { schema: 1, intents: [], adopted: [] };

  async save(change: Partial<RotationState>): Promise<void> {
    this.value = { ...this.value, ...change, schema: 1 };
  }
}

/** The bounds only matter to later runs, which the app's own settings rule. */
export function targetFor(
  { vaultUrl, secretName, validityDays }: RegisterOptions,
  tenantId: string,
  appId: string,
): Target {
  const policy = { beforeDays: 1, overlapHours: 25, retire: 'remove' } as const;
  return targetOf({ appId, tenantId, secretName, validityDays, ...policy }, vaultUrl);
}

export function secretStep(scene: Scene, workshop: Workshop): Step {
  const { options, facts } = scene;
  const { services } = workshop;
  const where = `secret "${options.secretName}" in ${new URL(options.vaultUrl).host}`;
  return {
    name: 'secret',
    async look(): Promise<Finding> {
      const { value: current } = await services.vault.current(options.secretName);
      const { application } = facts;
      if (!current) {
        if (await services.vault.isDeleted(options.secretName)) throw new RotationProblem('secret_deleted');
        if (application) requirePlan(await lookAgain(scene, workshop));
        const text = `mint, prove and publish a first secret for ${String(options.validityDays)} days: ${where}`;
        return { state: 'todo', text, act: () => firstSecret(scene, workshop, where) };
      }
      const owner = current.tags['rotation-app'];
      if (!application || (owner !== undefined && owner !== application.appId)) {
        throw new RegisterProblem(
          'secret_taken',
          `--secret-name: the vault holds a ${where} already, and it is not this application's.\nChoose another name, or name its application with --app-id.`,
        );
      }
      return { state: 'there', text: `${where}${healthIn((await lookAgain(scene, workshop)).seen)}` };
    },
  };
}

interface Look {
  readonly seen: Seen;
  readonly plan: Plan;
  readonly target: Target;
}

/** `force` stands for the person at the terminal: what an interrupted registration left does not stop the next one. */
async function lookAgain(
  { options, tenantId, facts }: Scene,
  workshop: Workshop,
  preflight = false,
): Promise<Look> {
  const { services, run } = workshop;
  const target = targetFor(options, tenantId, known(facts.application).appId);
  let seen = await observe(services, target, new OwnState().value, run.signal);
  if (preflight) {
    const observation = {
      ...seen.observation,
      preflight: await observePreflight(services, target, seen, run.signal),
    };
    seen = { ...seen, observation };
  }
  const force = seen.current === undefined;
  return { seen, target, plan: planRun(seen.observation, target, { force, remainingMs: run.remainingMs() }) };
}

function requirePlan({ plan }: Look): void {
  if (plan.refusal) throw refusal(plan.refusal);
}

function healthIn({ observation }: Seen): string {
  const { health, current } = observation;
  if (current?.credentialId === undefined) return ', not tagged: the rotation matches it with its credential';
  if (health === 'proven') return ', and Entra accepts it';
  if (health === 'rejected')
    return ', but Entra rejects it: the rotation replaces it, or npm run rotation -- run --force';
  return '; whether Entra accepts it could not be learnt';
}

async function firstSecret(scene: Scene, workshop: Workshop, where: string): Promise<Done> {
  const { services, log, run } = workshop;
  await awaitEntra(scene, workshop);
  const look = await lookAgain(scene, workshop, true);
  if (look.seen.current)
    return { state: 'done', text: `${where}: somebody else has published one meanwhile` };
  requirePlan(look);
  const progress = { verifyAttempts: 0, durations: {}, warnings: [] as string[] };
  const change = await act({
    ...{ ...look, services, log, progress, state: new OwnState(), signal: run.signal },
    remainingMs: run.remainingMs,
    vouches: () => true,
  });
  const notes = progress.warnings.map((warning) => `; ${warning}`).join('');
  const proof = `proven with ${String(progress.verifyAttempts)} token requests`;
  return { state: 'done', text: `${where}: key id ${change.newKeyId ?? ''}, ${proof}${notes}` };
}

/** A deliberately wrong secret is answered with a rejection once Entra knows the application; until then nothing can be proven. */
async function awaitEntra({ options, tenantId, facts }: Scene, { services, run }: Workshop): Promise<void> {
  const { client } = targetFor(options, tenantId, known(facts.application).appId);
  const end = services.clock.monotonic() + entraSettleMs;
  for (;;) {
    const { kind } = await services.probe.ask(
      client,
      new Secret(`no-such-secret-${services.uuid()}`),
      run.signal,
    );
    if (kind !== 'wrongTenant' || services.clock.monotonic() >= end) return;
    await services.clock.sleep(entraGapMs, run.signal);
  }
}

/** Credentials of this target that no version of the secret names: an interrupted run minted them. */
export function leftoverStep(scene: Scene, workshop: Workshop): Step {
  const { facts } = scene;
  const { services, run } = workshop;
  const find = async () => {
    const { seen, plan, target } = await lookAgain(scene, workshop);
    const left = plan.classified.filter(({ kind }) => kind === 'orphan').map(({ credential }) => credential);
    const settled = plan.standing.kind === 'settled' && seen.observation.health === 'proven';
    const old = left.filter(({ startsAt }) => seen.observation.now - startsAt >= leftoverMs);
    return { left, target, removable: settled && seen.observation.clocksAgree ? old : [] };
  };
  return {
    name: 'leftovers',
    async look(): Promise<Finding> {
      const { left, removable } = facts.application ? await find() : { left: [], removable: [] };
      const ids = left.map(({ keyId, startsAt }) => `${keyId} (made ${isoTime(startsAt)})`).join(', ');
      if (left.length === 0)
        return { state: 'there', text: 'a tidy application: no interrupted run left a credential' };
      if (removable.length === 0) {
        const text = `not in the vault: ${ids}. What a run left is removed 15 minutes later by this command, or after two hours by the rotation`;
        return { state: 'skipped', text };
      }
      return {
        state: 'todo',
        text: `remove what an interrupted run left: ${ids}`,
        async act() {
          const { removable: now, target } = await find();
          for (const { keyId } of now) {
            await services.applications.removePassword(target.client.appId, keyId, run.signal);
          }
          return {
            state: 'done',
            text: `removed what an interrupted run left: ${now.map(({ keyId }) => keyId).join(', ')}`,
          };
        },
      };
    },
  };
}
