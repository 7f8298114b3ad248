// Which port each local service listens on, and one clear line when that cannot be.
const defaults = {
  blob: 10000,
  queue: 10001,
  table: 10002,
  managedIdentity: 7080,
  entra: 7081,
  graph: 7082,
  keyVault: 7083,
  communication: 7084,
  dicom: 7085,
  faults: 7086,
  subscriber: 7087,
  host: 7071,
} as const;

export type PortName = keyof typeof defaults;
/** 0 takes a free port. */
export type Ports = Readonly<Record<PortName, number>>;

/** A port that cannot be used as asked; the message names the setting. */
export class PortError extends Error {}

const names = Object.keys(defaults) as PortName[];

/** Every service on a free port, for runs beside another one. */
export const freePorts: Ports = Object.freeze({
  ...defaults,
  ...Object.fromEntries(names.map((name) => [name, 0])),
});

/** True where the service is where the sample settings look for it. */
export function isDefault(ports: Ports, name: PortName): boolean {
  return ports[name] === defaults[name];
}

/** `keyVault` becomes `LOCAL_PORT_KEY_VAULT`. */
export function portSetting(name: PortName): string {
  return `LOCAL_PORT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** Each setting with its default, for the help texts. */
export const portSettings: readonly string[] = names.map((name) => `${portSetting(name)} ${defaults[name]}`);

/** Reads `LOCAL_PORT_<SERVICE>` for each service. Throws one `PortError` that lists every bad value. */
export function readPorts(environment: Readonly<Record<string, string | undefined>>): Ports {
  const problems: string[] = [];
  const ports: Record<PortName, number> = { ...defaults };
  const taken = new Map<number, PortName>();
  for (const name of names) {
    const text = environment[portSetting(name)]?.trim();
    if (text && !/^\d{1,5}$/.test(text))
      problems.push(`${portSetting(name)}: '${text}' is not a port, expected 0 to 65535`);
    else if (text) ports[name] = Number(text);
    const port = ports[name];
    const other = taken.get(port);
    if (port > 65535) problems.push(`${portSetting(name)}: ${port} is not a port, expected 0 to 65535`);
    if (port !== 0 && other) problems.push(`${portSetting(name)} and ${portSetting(other)} are both ${port}`);
    taken.set(port, name);
  }
  if (problems.length > 0) throw new PortError(problems.join('; '));
  return ports;
}

/** What listening on the service's port threw, in one line; other errors come back as they are. */
export function explainPort(error: unknown, name: PortName, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const setting = portSetting(name);
  if (code === 'EADDRINUSE') {
    return new PortError(
      `Port ${port} is in use: stop what listens there, or set ${setting} to another port (0 takes a free one).`,
    );
  }
  if (code === 'EACCES') {
    return new PortError(
      `Port ${port} may not be used by this user: set ${setting} to another one (0 takes a free one).`,
    );
  }
  return error;
}
