// The tables of infra/ in the form that tests ask them in.
import file from '../../infra/roles.json' with { type: 'json' };

export interface Role {
  readonly name: string;
  /** Empty for a role that the deployment makes. */
  readonly id: string;
  readonly description: string;
  readonly actions: readonly string[];
  readonly dataActions: readonly string[];
}

export const roles: ReadonlyMap<string, Role> = new Map(Object.entries<Role>(file.roles));
export const assignments = file.assignments;
