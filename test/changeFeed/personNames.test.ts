// Names in every character set of DICOM, from the file that is stored to what the sinks get.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { uidsOf } from '../../local/dicomFiles.ts';
import type { CloudEvent } from '../../src/changeFeed/events.ts';
import { element, explicitLittle, part10 } from '../local/standIns/dicom/bytes.ts';
import { bytesOf, personNames, type PersonName } from '../support/personNames.ts';
import { dicom, feedScene } from './feedScene.ts';

const ctImage = '1.2.840.10008.5.1.4.1.1.2';

function fileOf(person: PersonName, study: string): Buffer {
  const uids = uidsOf({ study });
  return part10(
    explicitLittle,
    element('00080005', 'CS', person.charset),
    element('00080016', 'UI', ctImage),
    element('00080018', 'UI', uids.sop),
    element('00100010', 'PN', bytesOf(person)),
    element('00100020', 'LO', 'NOBODY'),
    element('0020000D', 'UI', uids.study),
    element('0020000E', 'UI', uids.series),
  );
}

const nameIn = ({ data }: CloudEvent): unknown => data.metadata?.['00100010'];

test('a name in any character set arrives as it was written, at the blob and at the queue', async () => {
  const scene = feedScene({
    settings: { metadata: { kind: 'selected', tags: ['00100010'] }, sinks: ['blob', 'queue'] },
  });
  for (const [n, person] of personNames.entries())
    await dicom.store(fileOf(person, `name ${n}`), scene.services[0]);
  assert.equal((await scene.pull()).outcome, 'caught_up');
  const expected = personNames.map(({ name }) => ({ vr: 'PN', Value: [name] }));
  assert.deepEqual((await scene.events()).map(nameIn), expected);
  const messages = await scene.messages();
  const inOrder = messages.sort((left, right) => left.data.sequenceNumber - right.data.sequenceNumber);
  assert.deepEqual(inOrder.map(nameIn), expected);
});

test('the names of real files arrive as their writers meant them', async (context) => {
  const folder = new URL('../../../shared/dicom/', import.meta.url);
  if (!existsSync(folder)) {
    context.diagnostic('NOT SENT: there are no real DICOM files in ../shared/dicom');
    return;
  }
  const names = {
    'chrGerm.dcm': { Alphabetic: 'Äneas^Rüdiger' },
    'chrJapMulti.dcm': { Alphabetic: 'やまだ^たろう' },
    'chrRuss.dcm': { Alphabetic: 'Люкceмбypг' },
    'chrX1.dcm': { Alphabetic: 'Wang^XiaoDong', Ideographic: '王^小東' },
  };
  const scene = feedScene({ settings: { metadata: { kind: 'full' } } });
  for (const file of Object.keys(names))
    await dicom.store(readFileSync(new URL(file, folder)), scene.services[0]);
  assert.equal((await scene.pull()).outcome, 'caught_up');
  const events = await scene.events();
  assert.deepEqual(
    events.map(nameIn),
    Object.values(names).map((name) => ({ vr: 'PN', Value: [name] })),
  );
  for (const { data } of events)
    assert.deepEqual(data.metadata?.['00080005'], { vr: 'CS', Value: ['ISO_IR 192'] });
});
