// One registration from the first look to the last line: looks at everything, then changes what is not in place.
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import type { Audit } from '../../src/platform/audit.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { Log } from '../../src/platform/log.ts';
import { withinBudget, type Run } from '../../src/platform/run.ts';
import { createGraphApplications } from '../../src/rotation/graphApplications.ts';
import { createKeyVaultSecrets } from '../../src/rotation/keyVaultSecrets.ts';
import type { Services } from '../../src/rotation/observe.ts';
import { createTokenProbe } from '../../src/rotation/tokenProbe.ts';
import { exitCodes } from '../commandLine.ts';
import { leftoverStep, secretStep } from './firstSecret.ts';
import { consentStep, graphRoleStep, ownerStep } from './grantSteps.ts';
import { createGraphDirectory } from './graphDirectory.ts';
import { whoIs, type Operator } from './operator.ts';
import type { RegisterOptions } from './options.ts';
import { RegisterProblem, tell } from './problems.ts';
import { commandsFor, settingsFor, type Line, type Reporter } from './report.ts';
import {
  applicationStep,
  permissionStep,
  principalStep,
  type Facts,
  type Scene,
  type Step,
} from './steps.ts';

export interface Surroundings {
  readonly clock: Clock;
  readonly uuid: () => string;
  readonly credential: TokenCredential;
  readonly reporter: Reporter;
  readonly log: Log;
  /** Undefined where nothing is to be recorded. */
  readonly audit?: Audit | undefined;
  /** Asks the person whether to go on. */
  readonly confirm: () => Promise<boolean>;
  /** Aborts when the person interrupts: what is under way is then undone. */
  readonly interrupted: AbortSignal;
  readonly httpClient?: HttpClient | undefined;
}

/** Long enough for Entra to learn of a new application and of its secret, with a replica that is late. */
const budgetMs = 15 * 60_000;

/** Answers the exit code; every failure is told by the reporter. */
export async function register(options: RegisterOptions, around: Surroundings): Promise<number> {
  const lines: Line[] = [];
  const frame = { requestId: around.uuid(), budgetMs, clock: around.clock, shutdown: around.interrupted };
  try {
    return await withinBudget(frame, (run) => new Registration(options, around, run, lines).carryOut());
  } catch (error) {
    const failure = around.interrupted.aborted
      ? { code: 'interrupted', message: 'Interrupted. Run this again: it goes on where it stopped.' }
      : tell(error);
    around.reporter.failure(failure, lines);
    return exitCodes.failed;
  }
}

class Registration {
  readonly #options: RegisterOptions;
  readonly #around: Surroundings;
  readonly #run: Run;
  readonly #lines: Line[];

  constructor(options: RegisterOptions, around: Surroundings, run: Run, lines: Line[]) {
    this.#options = options;
    this.#around = around;
    this.#run = run;
    this.#lines = lines;
  }

  async carryOut(): Promise<number> {
    const { reporter, credential, confirm } = this.#around;
    const { dryRun, yes } = this.#options;
    reporter.busy('signing in');
    const operator = await whoIs(credential, this.#options);
    // Everything is looked at before anything is changed: what stops a registration stops it here.
    const asking = !dryRun && !yes;
    const { facts, todo } = await this.#pass(operator, false, dryRun || asking);
    if (dryRun || todo === 0) {
      if (yes && !dryRun) for (const line of this.#lines) reporter.line(line);
      return this.#end(operator, facts, false);
    }
    if (asking && !(await confirm())) throw new RegisterProblem('declined', 'Nothing was changed.');
    this.#lines.length = 0;
    const { audit } = this.#around;
    const work = (): Promise<Passed> => this.#pass(operator, true, true);
    const passed = audit ? await this.#recorded(audit, operator, work) : await work();
    return this.#end(operator, passed.facts, audit !== undefined);
  }

  #recorded(audit: Audit, { actor }: Operator, work: () => Promise<Passed>): Promise<Passed> {
    const { appId, name, secretName } = this.#options;
    const { requestId } = this.#run;
    const subject = `${appId ?? name ?? ''}/${secretName}`;
    return audit.record({ actor, action: 'client.register', subject, requestId }, work, () =>
      this.#remains() ? 'pending' : 'done',
    );
  }

  /** Looks at every step in its order, and takes those that are due where `acting`. */
  async #pass({ tenantId }: Operator, acting: boolean, shown: boolean): Promise<Passed> {
    const { reporter } = this.#around;
    const facts: Facts = {};
    let todo = 0;
    for (const step of this.#steps(tenantId, facts)) {
      this.#run.signal.throwIfAborted();
      reporter.busy(step.name);
      const finding = await step.look();
      if (finding.state === 'todo') todo += 1;
      const { state, text } =
        finding.state !== 'todo'
          ? finding
          : acting
            ? await this.#take(finding)
            : { state: 'would' as const, text: finding.text };
      const line = { step: step.name, state, text };
      this.#lines.push(line);
      if (shown) reporter.line(line);
    }
    return { facts, todo };
  }

  async #take({ text, act }: Extract<Awaited<ReturnType<Step['look']>>, { state: 'todo' }>) {
    this.#around.reporter.busy(text);
    return act();
  }

  #steps(tenantId: string, facts: Facts): readonly Step[] {
    const { credential, clock, httpClient, log } = this.#around;
    const { graphEndpoint } = this.#options;
    const directory = createGraphDirectory({ endpoint: graphEndpoint, credential, clock, httpClient });
    const scene: Scene = { options: this.#options, tenantId, directory, facts };
    const workshop = { services: this.#services(), log, run: this.#run };
    return [
      ...[applicationStep(scene), principalStep(scene), permissionStep(scene), consentStep(scene)],
      ...[ownerStep(scene), graphRoleStep(scene), secretStep(scene, workshop), leftoverStep(scene, workshop)],
    ];
  }

  #services(): Services {
    const { credential, clock, uuid, httpClient, reporter } = this.#around;
    const { vaultUrl, graphEndpoint, authorityHost } = this.#options;
    const probe = createTokenProbe({ authorityHost, graphEndpoint, httpClient });
    let asked = 0;
    return {
      ...{ clock, uuid },
      applications: createGraphApplications({ endpoint: graphEndpoint, credential, clock, httpClient }),
      vault: createKeyVaultSecrets({ vaultUrl, credential, httpClient }),
      probe: {
        ask(...request) {
          asked += 1;
          reporter.busy(
            `asking Entra for a token (request ${String(asked)}): a new secret takes seconds to minutes`,
          );
          return probe.ask(...request);
        },
      },
    };
  }

  #remains(): boolean {
    return this.#lines.some(({ state }) => state === 'remains');
  }

  #end({ tenantId }: Operator, facts: Facts, recorded: boolean): number {
    const { dryRun } = this.#options;
    this.#around.reporter.ending({
      ...{ dryRun, recorded, steps: this.#lines },
      changed: this.#lines.some(({ state }) => state === 'done'),
      settings: settingsFor(this.#options, tenantId, facts),
      commands: commandsFor(facts),
    });
    return this.#remains() ? exitCodes.remains : exitCodes.done;
  }
}

interface Passed {
  readonly facts: Facts;
  /** How many steps were due. */
  readonly todo: number;
}
