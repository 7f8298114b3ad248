// Deploys templates in memory: what they would have Azure make, with the values that they give it.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { once } from '../../../src/platform/once.ts';
import { rounds, within } from './expressions.ts';
import { functionsFor, resourceId, resourcePath, type Group } from './functions.ts';
import { valueOf } from './parameters.ts';
import { readTemplate, type Making, type Template } from './templates.ts';
import { isReference, record, text, truth } from './values.ts';
import type { Function, Reference, Scope } from './values.ts';

/** A resource as Azure is asked for it. */
export interface Resource {
  readonly id: string;
  readonly type: string;
  /** With those of the resources that it stands in. */
  readonly name: string;
  /** All that the template says beside its name, its parent and its turn. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** What Azure says in the `properties` of a resource that is there, whatever the template has given it. */
export type Azure = (type: string, name: string) => Readonly<Record<string, unknown>>;

export interface Deployed {
  readonly resources: readonly Resource[];
  readonly outputs: Readonly<Record<string, unknown>>;
}

interface World {
  readonly group: Group;
  readonly azure: Azure;
  readonly made: Resource[];
}

type Given = Readonly<Record<string, unknown>>;

/**
 * Modules are among the resources, as the deployments that Azure makes of them. Throws what Azure would refuse: parameters
 * that do not fit, values that are not there, two resources of one name, and the words of `fail()`.
 */
export function deploy(file: string, group: Group, given: Given, azure: Azure): Deployed {
  const made: Resource[] = [];
  const outputs = new Deployment(file, { group, azure, made }, given).run();
  const twice = made.find(({ id }, index) => made.findIndex((one) => one.id === id) !== index);
  if (twice) throw new Error(`${twice.id} is made twice`);
  return { outputs, resources: made };
}

const templates = new Map<string, Template>();

function templateOf(file: string): Template {
  const found = templates.get(file) ?? readTemplate(readFileSync(file, 'utf8'));
  templates.set(file, found);
  return found;
}

class Deployment {
  readonly #template: Template;
  readonly #file: string;
  readonly #world: World;
  readonly #known = new Map<string, () => unknown>();
  readonly #functions: Map<string, Function>;
  readonly #scope: Scope = {
    get: (name) => (this.#known.get(name) ?? missing(name))(),
    call: (name, given) => (this.#functions.get(name) ?? missing(name))(...given),
  };

  constructor(file: string, world: World, given: Given) {
    this.#file = file;
    this.#world = world;
    this.#template = templateOf(file);
    const { parameters, variables, makings, imports } = this.#template;
    const json = (path: string): unknown => JSON.parse(readFileSync(join(dirname(file), path), 'utf8'));
    this.#functions = new Map(functionsFor(world.group, json));
    for (const { path } of imports) this.#learn(templateOf(join(dirname(file), path)));
    this.#learn(this.#template);
    for (const name of Object.keys(given))
      if (!parameters.some((one) => one.name === name)) missing(`parameter ${name}`);
    for (const one of parameters) {
      const value = once(() => valueOf(one, given[one.name], this.#scope));
      this.#known.set(one.name, value);
    }
    for (const [name, value] of variables)
      this.#known.set(
        name,
        once(() => value(this.#scope)),
      );
    for (const making of makings)
      this.#known.set(
        making.symbol,
        once(() => this.#make(making)),
      );
  }

  run(): Given {
    const { parameters, makings, outputs } = this.#template;
    for (const { name } of parameters) this.#scope.get(name);
    // The last one first: what must come before another does so for a reason that the template gives.
    for (const { symbol } of makings.toReversed()) force(this.#scope.get(symbol));
    return Object.fromEntries([...outputs].map(([name, value]) => [name, value(this.#scope)]));
  }

  #learn({ functions }: Template): void {
    for (const [name, { names, body }] of functions)
      this.#functions.set(name, (...given) => body(within(this.#scope, names, given)));
  }

  #make(making: Making): unknown {
    const one = (scope: Scope): Made =>
      making.kind === 'module'
        ? new Module(making, scope, this.#world, this.#file)
        : new MadeResource(making, scope, this.#world, undefined);
    return making.loop ? rounds(making.loop, this.#scope).map(one) : one(this.#scope);
  }
}

/** What a template makes: once, and only where its condition holds. */
abstract class Made implements Reference {
  protected readonly making: Making;
  protected readonly scope: Scope;
  protected readonly world: World;

  constructor(making: Making, scope: Scope, world: World) {
    this.making = making;
    this.scope = scope;
    this.world = world;
  }

  /** Whether it is there after the deployment. */
  get there(): boolean {
    return truth(this.making.condition?.(this.scope) ?? true);
  }

  abstract member(name: string): unknown;
  /** Has it made, after what it refers to. */
  abstract force(): void;

  protected entry(name: string): unknown {
    return this.making.body.entries.find(([key]) => key(this.scope) === name)?.[1](this.scope);
  }

  protected comeLater(): void {
    force(this.entry('dependsOn'));
  }

  protected requireThere(): void {
    if (!this.there) missing(`deployed ${this.making.symbol}`);
  }
}

class Module extends Made {
  readonly #outputs: () => Given;

  constructor(making: Making, scope: Scope, world: World, file: string) {
    super(making, scope, world);
    this.#outputs = once(() => {
      this.requireThere();
      this.comeLater();
      const other = this.entry('scope');
      const group =
        other === undefined
          ? world.group
          : { subscriptionId: text(record(other)['subscriptionId']), name: text(record(other)['name']) };
      const path = join(dirname(file), making.target);
      const [type, name] = ['Microsoft.Resources/deployments', text(this.entry('name'))];
      world.made.push({ id: resourceId(group, type, [name]), type, name, body: {} });
      return new Deployment(path, { ...world, group }, record(this.entry('params'))).run();
    });
  }

  member(name: string): unknown {
    if (name === 'name') return this.entry('name');
    return name === 'outputs' ? this.#outputs() : missing(name);
  }

  force(): void {
    if (this.there) this.#outputs();
  }
}

class MadeResource extends Made {
  readonly #outer: MadeResource | undefined;
  readonly #type: string;
  #asked = false;

  constructor(making: Making, scope: Scope, world: World, outer: MadeResource | undefined) {
    super(making, scope, world);
    this.#outer = outer;
    this.#type = outer ? `${outer.#type}/${making.target}` : making.target;
  }

  override get there(): boolean {
    return super.there && (this.#outer?.there ?? true);
  }

  member(name: string): unknown {
    this.force();
    if (name === 'id') return this.#id;
    if (name === 'name') return this.entry('name');
    if (name !== 'properties') return missing(name);
    this.requireThere();
    const own = this.making.existing ? {} : record(this.entry('properties') ?? {});
    return { ...own, ...this.world.azure(this.#type, this.#name) };
  }

  get #name(): string {
    const parent = this.#outer ?? this.entry('parent');
    const name = text(this.entry('name'));
    return parent instanceof MadeResource ? `${parent.#name}/${name}` : name;
  }

  get #id(): string {
    const names = this.#name.split('/');
    const on = this.entry('scope');
    if (isReference(on)) return `${text(on.member('id'))}/providers/${resourcePath(this.#type, names)}`;
    return resourceId(this.world.group, this.#type, names);
  }

  force(): void {
    if (this.#asked || !this.there || this.making.existing) return;
    this.#asked = true;
    force([this.entry('parent'), this.entry('scope')]);
    this.comeLater();
    const all = record(this.making.body.value(this.scope));
    const { name: _name, parent: _parent, scope: _scope, dependsOn: _order, ...body } = all;
    this.world.made.push({ id: this.#id, type: this.#type, name: this.#name, body });
    for (const making of this.making.nested)
      for (const scope of making.loop ? rounds(making.loop, this.scope) : [this.scope])
        new MadeResource(making, scope, this.world, this).force();
  }
}

function force(value: unknown): void {
  for (const one of [value].flat(2)) if (one instanceof Made) one.force();
}

function missing(what: string): never {
  throw new Error(`there is no ${what}`);
}
