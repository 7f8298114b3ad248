// Reads protobuf by field number, as its wire format says, without any code of those who write it.

export interface Fields {
  has(field: number): boolean;
  bytes(field: number): Buffer;
  text(field: number): string;
  /** A varint. */
  number(field: number): number;
  /** Fixed 64 bits. */
  integer(field: number): number;
  double(field: number): number;
  /** Empty where there is none. */
  message(field: number): Fields;
  messages(field: number): readonly Fields[];
}

/** Throws for what is no protobuf. */
export function fieldsOf(buffer: Buffer): Fields {
  const values = new Map<number, Buffer[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = buffer.readUInt8(at);
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(value);
    }
  };
  const slice = (length: number): Buffer => {
    if (at + length > buffer.length) throw new Error('a field is longer than its message');
    at += length;
    return buffer.subarray(at - length, at);
  };
  const eight = (value: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    return bytes;
  };
  const readers: Readonly<Record<number, () => Buffer>> = {
    0: () => eight(varint()),
    1: () => slice(8),
    2: () => slice(varint()),
    5: () => slice(4),
  };
  while (at < buffer.length) {
    const key = varint();
    const read = readers[key & 7];
    if (!read) throw new Error(`there is no wire type ${key & 7}`);
    const field = key >>> 3;
    values.set(field, [...(values.get(field) ?? []), read()]);
  }
  const last = (field: number): Buffer => values.get(field)?.at(-1) ?? Buffer.alloc(0);
  const eightOf = (field: number): Buffer => (values.has(field) ? last(field) : Buffer.alloc(8));
  return {
    has: (field) => values.has(field),
    bytes: last,
    text: (field) => last(field).toString('utf8'),
    number: (field) => eightOf(field).readDoubleLE(),
    integer: (field) => Number(eightOf(field).readBigInt64LE()),
    double: (field) => eightOf(field).readDoubleLE(),
    message: (field) => fieldsOf(last(field)),
    messages: (field) => (values.get(field) ?? []).map(fieldsOf),
  };
}
