// Entra's replicas, which learn of a new secret and forget a removed one at different times, so that answers flap.
import type { Application, Directory, StoredCredential } from './directory.ts';
import { Override } from './effects.ts';
import type { Now } from './kit.ts';

export interface Replication {
  readonly replicas: number;
  /** Until the last replica knows of a change; replica k of n knows after k/n of it. */
  readonly lagMs: number;
}

interface Dated {
  readonly credential: StoredCredential;
  readonly addedAt: number;
  readonly removedAt: number;
}

export class Replicas {
  readonly #directory: Directory;
  readonly #now: Now;
  readonly #state: { requests: number };
  readonly #scripted = new Override<Replication>();

  /** `state` counts the requests: each goes to the next replica. */
  constructor(directory: Directory, now: Now, state: { requests: number }) {
    this.#directory = directory;
    this.#now = now;
    this.#state = state;
  }

  /** Holds until the answer is called. */
  set(replication: Replication): () => void {
    return this.#scripted.set(replication);
  }

  get #setting(): Replication {
    return this.#scripted.current ?? { replicas: 1, lagMs: 0 };
  }

  /** The application's credentials as the replica sees them that takes the next request. */
  nextView(appId: string): readonly StoredCredential[] {
    const replica = this.#state.requests++ % this.#setting.replicas;
    return this.#all(appId)
      .filter((dated) => this.#knows(replica, dated))
      .map(({ credential }) => credential);
  }

  /** For `GET /state`: each credential, removed ones too, with the number of replicas that would take it. */
  describe(application: Application): readonly object[] {
    const { replicas } = this.#setting;
    return this.#all(application.appId).map((dated) => {
      const { keyId, displayName, endDateTime } = dated.credential;
      const knownBy = Array.from({ length: replicas }, (_, replica) => this.#knows(replica, dated)).filter(
        Boolean,
      );
      const removed = dated.removedAt < Infinity;
      return { keyId, displayName, endDateTime, removed, replicas, knownBy: knownBy.length };
    });
  }

  /** Whether all replicas have learnt of what was made then. */
  settled(createdAt = -Infinity): boolean {
    return createdAt + this.#setting.lagMs <= this.#now();
  }

  #knows(replica: number, { addedAt, removedAt }: Dated): boolean {
    const { replicas, lagMs } = this.#setting;
    const seen = this.#now() - (lagMs * (replica + 1)) / replicas;
    return addedAt <= seen && seen < removedAt;
  }

  /** A secret of the service principal works like one of the application. */
  #all(appId: string): readonly Dated[] {
    const application = this.#directory.applications.get(appId);
    const principal = this.#directory.servicePrincipals.get(appId);
    const present = [...(application?.passwordCredentials ?? []), ...(principal?.passwordCredentials ?? [])];
    const removed = application?.removedCredentials ?? [];
    return [
      ...present.map((credential) => ({ credential, addedAt: credential.addedAt, removedAt: Infinity })),
      ...removed.map(({ credential, removedAt }) => ({ credential, addedAt: credential.addedAt, removedAt })),
    ];
  }
}
