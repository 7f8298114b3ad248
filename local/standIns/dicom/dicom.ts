// Stand-in for the DICOM service: change feed v1 and v2, store, update, delete and metadata, several services told apart by Host.
import { Hono, type Context } from 'hono';
import type { Directory } from '../directory.ts';
import { BadFault } from '../faults.ts';
import type { Now, StandIn, StandInEnv } from '../kit.ts';
import type { TokenOffice } from '../tokens.ts';
import { Archive, emptyArchive, type ArchiveData, type Resource } from './archive.ts';
import { bulkUpdate } from './bulkUpdate.ts';
import { changeFeedLatest, changeFeedPage } from './changeFeed.ts';
import { dicomEffects } from './effects.ts';
import { DicomRefusal } from './errors.ts';
import { defaultPartition } from './feed.ts';
import { filesOf, storeFiles } from './stow.ts';
import { isUid } from './validation.ts';

export interface DicomOptions {
  readonly directory: Directory;
  readonly tokens: TokenOffice;
  readonly now: Now;
  /** Host names, e.g. `telehealth-imaging.dicom.azurehealthcareapis.com`; the first also answers under a loopback address. */
  readonly hosts: readonly [string, ...string[]];
  /** Kept data by host; filled in where it is missing. */
  readonly data?: Record<string, ArchiveData>;
}

type Call = Context<StandInEnv>;

const audience = 'https://dicom.healthcareapis.azure.com';
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const json = { 'content-type': 'application/json; charset=utf-8' };
const dicomJson = { 'content-type': 'application/dicom+json; charset=utf-8' };
const versions = '/:version{v(?:1|2|1\\.0-prerelease)}';
/** Partitions are part of the path once a service has them, and then they must be. */
const places = [versions, `${versions}/partitions/:partition`];
const studies = places.map((place) => `${place}/studies`);
const resources = studies.flatMap((path) => {
  const study = `${path}/:study`;
  return [study, `${study}/series/:series`, `${study}/series/:series/instances/:sop`];
});

/**
 * Has the change feed's own effects (`dicomEffects`), each with an optional `"host"` where there are several services.
 */
export function createDicom(options: DicomOptions): StandIn {
  const { now } = options;
  const archives = openArchives(options);
  const archiveAt = (host: string): Archive => {
    const archive = archives.get(loopback.test(host) ? options.hosts[0] : host);
    if (!archive) throw new DicomRefusal(404, `There is no DICOM service at ${host}.`);
    return archive;
  };

  const app = new Hono<StandInEnv>();
  app.use(async (c, next) => {
    c.header('Date', new Date(now()).toUTCString());
    await authorize(options, c);
    await next();
  });
  addRoutes(app, now, (c) => archiveAt(hostOf(c).hostname));
  app.all('*', (c) => c.body(null, 404));
  app.onError((error, c) => {
    if (!(error instanceof DicomRefusal)) throw error;
    if (error.challenge) c.header('WWW-Authenticate', error.challenge);
    return c.text(error.message, error.status);
  });
  return {
    service: 'dicom',
    app,
    state: () => Object.fromEntries([...archives].map(([host, archive]) => [host, archive.counts()])),
    effects: dicomEffects((host = options.hosts[0]) => {
      const archive = archives.get(host);
      if (!archive) throw new BadFault(`host: expected one of ${options.hosts.join(', ')}`);
      return archive;
    }),
  };
}

function addRoutes(app: Hono<StandInEnv>, now: Now, archiveOf: (c: Call) => Archive): void {
  app.get(`${versions}/changefeed`, (c) =>
    c.body(changeFeedPage(archiveOf(c), c.req.param('version'), new URL(c.req.url).searchParams), 200, json),
  );
  app.get(`${versions}/changefeed/latest`, (c) => {
    const { version } = c.req.param();
    const latest = changeFeedLatest(archiveOf(c), version, new URL(c.req.url).searchParams);
    return latest === undefined ? c.body(null, 204) : c.body(latest, 200, json);
  });
  app.on('POST', ['/v2/studies/$bulkUpdate', '/v2/partitions/:partition/studies/$bulkUpdate'], async (c) => {
    const archive = archiveOf(c);
    const request = { partition: partitionOf(c, archive), body: await c.req.text(), now: now() };
    const { operationId: id } = bulkUpdate(archive, request);
    return c.body(JSON.stringify({ id, href: `${hostOf(c).origin}/v2/operations/${id}` }), 202, json);
  });
  app.get(`${versions}/operations/:id`, (c) => {
    const operation = archiveOf(c).operations[c.req.param('id')];
    return operation ? c.body(JSON.stringify(operation), 200, json) : c.body(null, 404);
  });
  app.on('POST', [...studies, ...studies.map((path) => `${path}/:study`)], (c) => store(c, archiveOf(c)));
  for (const path of resources) {
    app.delete(path, (c) => {
      const archive = archiveOf(c);
      archive.delete(resourceOf(c, archive));
      return c.body(null, 204);
    });
    app.get(`${path}/metadata`, (c) => {
      accepts(c, 'application/dicom+json');
      const archive = archiveOf(c);
      return c.body(JSON.stringify(archive.metadataOf(resourceOf(c, archive))), 200, dicomJson);
    });
  }
}

function openArchives({ hosts, data = {}, now }: DicomOptions): ReadonlyMap<string, Archive> {
  return new Map(hosts.map((host) => [host, new Archive((data[host] ??= emptyArchive()), now)]));
}

async function store(c: Call, archive: Archive): Promise<Response> {
  accepts(c, 'application/dicom+json');
  const partition = partitionOf(c, archive);
  const named = c.req.param('study') === undefined ? undefined : resourceOf(c, archive).study;
  const version = c.req.param('version') ?? '';
  const files = filesOf(c.req.header('content-type') ?? '', Buffer.from(await c.req.arrayBuffer()));
  const place = archive.partitions.current ? `/partitions/${partition}` : '';
  const base = `${hostOf(c).origin}/${version}${place}`;
  const { status, body } = storeFiles({
    archive,
    partition,
    files,
    study: named,
    lenient: version === 'v2',
    base,
  });
  return status === 204 ? c.body(null, 204) : c.body(JSON.stringify(body), status, dicomJson);
}

/** Reading takes the role of a reader or an owner, everything else that of an owner. */
async function authorize({ tokens, directory }: DicomOptions, c: Call): Promise<void> {
  const judged = await tokens.judge(c.req.header('authorization'), audience, `${audience}/`);
  if (!judged.ok) {
    const why =
      judged.reason === 'missing' ? '' : ` error="invalid_token", error_description="${judged.reason}"`;
    throw new DicomRefusal(401, '', `Bearer${why}`);
  }
  const oid = typeof judged.claims['oid'] === 'string' ? judged.claims['oid'] : undefined;
  const reads = c.req.method === 'GET';
  const allowed =
    directory.has(oid, 'DICOM Data Owner') || (reads && directory.has(oid, 'DICOM Data Reader'));
  if (!allowed) throw new DicomRefusal(403, 'Authorization failed.');
}

/** Throws 400 for a partition where the service has none, for none where it has, and for a name that is none. */
function partitionOf(c: Call, archive: Archive): string {
  const name = c.req.param('partition');
  if (!archive.partitions.current) {
    if (name === undefined) return defaultPartition;
    throw new DicomRefusal(400, 'Data partitions are not enabled in this service.');
  }
  if (name === undefined) throw new DicomRefusal(400, 'PartitionName value is missing in the route segment.');
  if (/^[\w.-]{1,64}$/.test(name)) return name;
  throw new DicomRefusal(400, `The partition name '${name}' is not valid.`);
}

function resourceOf(c: Call, archive: Archive): Resource {
  const { study = '', series, sop } = c.req.param() as Partial<Record<string, string>>;
  for (const [name, value] of Object.entries({
    StudyInstanceUid: study,
    SeriesInstanceUid: series,
    SopInstanceUid: sop,
  })) {
    if (value !== undefined && !isUid(value)) {
      throw new DicomRefusal(
        400,
        `Dicom element '${name}' failed validation for VR 'UI': DICOM Identifier is invalid.`,
      );
    }
  }
  return { partition: partitionOf(c, archive), study, series, sop };
}

/** Throws 406, without a text as the real one, when the client takes no such answer. */
function accepts(c: Call, type: string): void {
  const ranges = (c.req.header('accept') ?? '*/*')
    .split(',')
    .map((range) => range.split(';')[0]?.trim().toLowerCase());
  if (!ranges.some((range) => range === type || range === '*/*' || range === 'application/*'))
    throw new DicomRefusal(406, '');
}

/** As the client sees this service: the real hosts over https, a loopback address over http. */
function hostOf(c: Call): URL {
  const host = c.req.header('host') ?? 'localhost';
  const plain = new URL(`http://${host}`);
  return loopback.test(plain.hostname) ? plain : new URL(`https://${host}`);
}
