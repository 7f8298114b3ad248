// The rules of what is kept: leases, conditions and births.
import type { Mutations } from './mutations.ts';

export const mutationsOfState: readonly Mutations[] = [
  {
    file: 'cursorStore.ts',
    by: { kind: 'model', name: 'two runs begin a cursor', rule: 'every write is conditional' },
    edits: [
      ['a write under the lease', "{ kind: 'etag', etag, leaseId: lease.id }", "{ kind: 'etag', etag }"],
      [
        'a write over what was read',
        "{ kind: 'etag', etag, leaseId: lease.id }",
        "{ kind: 'any', leaseId: lease.id }",
      ],
    ],
  },
  {
    file: 'cursorStore.ts',
    by: { kind: 'model', name: 'a lease runs out', rule: 'nothing is sent without the lease' },
    edits: [
      ['the guard before a write', '      guard();\n      if (next', '      if (next'],
      ['the guard', 'if (!lease.vouches()) throw lostLease();', ''],
    ],
  },
  {
    file: 'cursorStore.ts',
    by: {
      kind: 'test',
      file: 'proof/moves.test',
      name: 'a session writes over what it wrote itself, again and again',
    },
    edits: [
      [
        'the new etag',
        'etag = await write(bodyOf(service, next), etag);',
        'await write(bodyOf(service, next), etag);',
      ],
    ],
  },
  {
    file: 'cursorStore.ts',
    by: {
      kind: 'test',
      file: 'proof/moves.test',
      name: 'a move goes through only where the cursor is what the operator saw, and not beyond the newest',
    },
    edits: [['the end of a lease', 'close: () => lease.release(),', 'close: () => Promise.resolve(),']],
  },
  {
    file: 'cursorStore.ts',
    by: {
      kind: 'test',
      file: 'proof/moves.test',
      name: 'a document that cannot be read holds up nobody who asks again',
    },
    edits: [
      [
        'the lease given back after a failure',
        '      await lease.release();\n      throw error;',
        '      throw error;',
      ],
    ],
  },
  {
    file: 'cursorStore.ts',
    by: {
      kind: 'model',
      name: 'two runs begin a cursor',
      rule: 'the birth is on record before anything is sent',
    },
    edits: [['the birth before anything is delivered', 'await birth.ensure(found.cursor.epoch);', '']],
  },
  {
    file: 'cursorStore.ts',
    by: {
      kind: 'test',
      file: 'proof/moves.test',
      name: 'a cursor that is made is born at once, and a second one cannot be made',
    },
    edits: [['the birth of a new cursor', '      await birth.ensure(next.cursor.epoch);\n', '']],
  },
  {
    file: 'cursorStore.ts',
    by: {
      kind: 'kills',
      name: 'a run on a feed that was made anew and has outgrown the cursor',
      rule: 'the birth is on record before anything is sent',
    },
    edits: [
      [
        'a raised epoch on record first',
        'if (next.cursor.epoch > found.cursor.epoch) await birth.write(next.cursor.epoch);',
        '',
      ],
    ],
  },
  {
    file: 'cursorStore.ts',
    by: {
      kind: 'kills',
      name: 'a run without its cursor',
      rule: 'the birth is on record before anything is sent',
    },
    edits: [
      [
        'a raised epoch of a new cursor on record first',
        'if (next.cursor.epoch > 1) await birth.write(next.cursor.epoch);',
        '',
      ],
    ],
  },
  {
    file: 'cursorStore.ts',
    by: { kind: 'kills', name: 'the first run of all', rule: 'every write is conditional' },
    edits: [
      [
        'a cursor made once',
        "await documents.write(path, bodyOf(service, next), { kind: 'absent' });",
        "await documents.write(path, bodyOf(service, next), { kind: 'any' });",
      ],
    ],
  },
  {
    file: 'cursorStore.ts',
    by: { kind: 'model', name: 'two runs begin a cursor', rule: 'a run halts only for a reason' },
    edits: [
      [
        'a second look',
        "return (await look()) ?? { kind: 'lost', epoch };",
        "return { kind: 'lost', epoch };",
      ],
    ],
  },
  {
    file: 'cursorStore.ts',
    by: { kind: 'kills', name: 'a run without its cursor', rule: 'a lost cursor is not begun anew' },
    edits: [
      [
        'a lost cursor',
        "if (epoch === undefined) return { kind: 'absent' };",
        "if (epoch === undefined || epoch > 0) return { kind: 'absent' };",
      ],
    ],
  },
  {
    file: 'cursorStore.ts',
    by: {
      kind: 'test',
      file: 'proof/adapters.test',
      name: 'only a blob or a row that certainly is not there is absent: an outage never looks like a first run',
    },
    edits: [
      [
        'only BlobNotFound as absent',
        "if (code === 'BlobNotFound' || code === 'ContainerNotFound') return undefined;",
        'return undefined;',
      ],
    ],
  },
  {
    file: 'cursorStore.ts',
    by: { kind: 'model', name: 'a lease runs out', rule: 'a run halts only for a reason' },
    edits: [
      [
        'a conflict as a lost lease',
        "throw isAppError(error, 'conflict') ? lostLease(error) : error;",
        'throw error;',
      ],
    ],
  },
  {
    file: 'birth.ts',
    by: {
      kind: 'test',
      file: 'proof/adapters.test',
      name: 'only a blob or a row that certainly is not there is absent: an outage never looks like a first run',
    },
    edits: [
      [
        'a row that certainly is not there',
        "if (code === 'ResourceNotFound' || code === 'TableNotFound') return undefined;",
        'return undefined;',
      ],
    ],
  },
  {
    file: 'birth.ts',
    by: {
      kind: 'kills',
      name: 'the move that acknowledges a feed that was made anew',
      rule: 'an epoch is never lowered',
    },
    edits: [
      [
        'a birth that is not overwritten',
        'if ((await this.epoch()) === undefined) await this.write(epoch);',
        'await this.write(epoch);',
      ],
    ],
  },
  {
    file: 'birth.ts',
    by: {
      kind: 'kills',
      name: 'the first run of all',
      rule: 'the birth is on record before anything is sent',
    },
    edits: [
      [
        'a missing row written',
        'if ((await this.epoch()) === undefined) await this.write(epoch);',
        'await this.epoch();',
      ],
    ],
  },
];
