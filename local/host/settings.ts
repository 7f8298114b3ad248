// Reads host.json, and local.settings.json as Core Tools does.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { parseTimespan } from './schedule.ts';

const hostFile = z.object({
  functionTimeout: z.optional(z.string()),
  extensions: z.optional(
    z.object({
      http: z.optional(
        z.object({
          routePrefix: z.optional(z.string()),
          customHeaders: z.optional(z.record(z.string(), z.string())),
        }),
      ),
    }),
  ),
});

export interface HostSettings {
  /** Without slashes around it; may be empty. */
  readonly routePrefix: string;
  readonly customHeaders: Readonly<Record<string, string>>;
  /** Infinity when host.json says `-1`. */
  readonly functionTimeoutMs: number;
}

const localFile = z.object({
  IsEncrypted: z.optional(
    z.literal(false, 'Encrypted settings cannot be read here: run "func settings decrypt" first'),
  ),
  Values: z.optional(z.record(z.string(), z.string())),
  Host: z.optional(
    z.object({
      LocalHttpPort: z.optional(z.int().check(z.gte(0), z.lte(65535))),
      CORS: z.optional(z.string()),
      CORSCredentials: z.optional(z.boolean()),
    }),
  ),
});

export interface LocalSettings {
  readonly values: Readonly<Record<string, string>>;
  readonly port: number | undefined;
  readonly cors: CorsSettings | undefined;
}

export interface CorsSettings {
  /** Origins such as `http://localhost:3000`, or the one entry `*`. */
  readonly origins: readonly string[];
  readonly credentials: boolean;
}

/** Throws an Error that names the file and the field. The default time limit is that of the Flex Consumption plan. */
export function readHostJson(appDirectory: string): HostSettings {
  const file = join(appDirectory, 'host.json');
  const { functionTimeout = '00:30:00', extensions } = read(file, hostFile);
  const timeout = functionTimeout === '-1' ? Infinity : parseTimespan(functionTimeout);
  if (timeout === undefined) throw new Error(`${file}: functionTimeout: expected hh:mm:ss or -1.`);
  return {
    routePrefix: (extensions?.http?.routePrefix ?? 'api').replace(/^\/+|\/+$/g, ''),
    customHeaders: extensions?.http?.customHeaders ?? {},
    functionTimeoutMs: timeout,
  };
}

/** Undefined without the file; throws an Error that names the file and the field, never a value. */
export function readLocalSettings(appDirectory: string): LocalSettings | undefined {
  const file = join(appDirectory, 'local.settings.json');
  return existsSync(file) ? readSettingsFile(file) : undefined;
}

/** Throws an Error that names the file and the field, never a value. */
export function readSettingsFile(file: string): LocalSettings {
  const { Values = {}, Host = {} } = read(file, localFile);
  const origins = (Host.CORS ?? '').split(',').flatMap((origin) => origin.trim() || []);
  const credentials = Host.CORSCredentials ?? false;
  if (credentials && origins.includes('*')) {
    throw new Error(
      `${file}: Host.CORSCredentials: expected the origins to be listed in Host.CORS, not "*".`,
    );
  }
  return {
    values: Values,
    port: Host.LocalHttpPort,
    cors: origins.length > 0 ? { origins, credentials } : undefined,
  };
}

const listedSettings = z.array(z.object({ name: z.string(), value: z.string() }));

/** The values of such a file, or of the list that `az functionapp config appsettings list` prints. Throws as it does. */
export function readAppSettings(file: string): Readonly<Record<string, string>> {
  const text = textOf(file);
  if (!text.trimStart().startsWith('[')) return readSettingsFile(file).values;
  return Object.fromEntries(parseJson(file, text, listedSettings).map(({ name, value }) => [name, value]));
}

/** Parses a JSON text by a schema; the error names `source` and the fields, and quotes nothing of the text. */
export function parseJson<T extends z.ZodMiniType>(source: string, text: string, schema: T): z.infer<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`${source}: expected JSON, without comments.`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  throw new Error(`${source}: ${problems.join('; ')}.`);
}

function read<T extends z.ZodMiniType>(file: string, schema: T): z.infer<T> {
  return parseJson(file, textOf(file), schema);
}

function textOf(file: string): string {
  try {
    // As Core Tools do, past the byte order mark that some editors write.
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new Error(`${file}: cannot be read.`, { cause });
  }
}
