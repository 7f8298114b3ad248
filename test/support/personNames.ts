// A person name in each character set of DICOM (PS3.3 C.12.1.1.2), as bytes of a file and as what everybody should read.

export interface PersonName {
  /** Specific Character Set (0008,0005). */
  readonly charset: string;
  /** Patient's Name (0010,0010), hexadecimal; ASCII may stand between braces. */
  readonly bytes: string;
  readonly name: {
    readonly Alphabetic?: string;
    readonly Ideographic?: string;
    readonly Phonetic?: string;
  };
}

const alone = ([charset, bytes, Alphabetic]: readonly [string, string, string]): PersonName => ({
  ...{ charset, bytes, name: { Alphabetic } },
});

/** One set for the whole text. */
const single = (
  [
    ['ISO_IR 6', '{Smith^John}', 'Smith^John'],
    ['ISO_IR 100', '4dfc6c6c6572{^}5a6feb', 'Müller^Zoë'],
    ['ISO_IR 101', '5761b3ea7361{^}426fbe656e61', 'Wałęsa^Božena'],
    ['ISO_IR 109', 'c565747461{^}d575bf65707069', 'Ċetta^Ġużeppi'],
    ['ISO_IR 110', '42ba727a69f1b9{^}4ae06e6973', 'Bērziņš^Jānis'],
    ['ISO_IR 144', 'b8d2d0ddded2{^}bff1e2e0', 'Иванов^Пётр'],
    ['ISO_IR 127', 'e2c8c7e6ea{^}e4e6d2c7d1', 'قباني^لنزار'],
    ['ISO_IR 126', 'd0e1f0dcf2{^}c4e9efedfdf3e9eff2', 'Παπάς^Διονύσιος'],
    ['ISO_IR 138', 'f9f8e5ef{^}e3e1e5f8e4', 'שרון^דבורה'],
    ['ISO_IR 148', '59fd6c64fd7a{^}c761f072fd', 'Yıldız^Çağrı'],
    ['ISO_IR 203', 'bc757672e9{^}a6e1726b61', 'Œuvré^Šárka'],
    ['ISO_IR 13', 'd4cfc0de{^}c0dbb3', 'ﾔﾏﾀﾞ^ﾀﾛｳ'],
    // Bytes that Shift JIS would take for one character of two.
    ['ISO_IR 13', 'e0c4', '\uFFFDﾄ'],
    ['ISO_IR 166', 'cac1d4b8{^}a8cdcbecb9', 'สมิธ^จอห์น'],
    ['ISO_IR 192', '{Wang^}e5b08fe69db1f09f9880', 'Wang^小東😀'],
    ['GB18030', 'cdf5{^}d0a1b6ab9534b235', '王^小东𠮷'],
    // The second byte of the last character is that of a backslash.
    ['GBK', '8f88{^}82a5e667815c', '張^偉鎔乗'],
  ] as const
).map(alone);

/** Sets that are named by escape sequences in the text; the examples of PS3.5 H, I and K among them. */
const extended: readonly PersonName[] = [
  ...(
    [
      ['ISO 2022 IR 6\\ISO 2022 IR 100', '{Andr}1b{-A}e9{^}1b{-A}c9{va}', 'André^Éva'],
      ['ISO 2022 IR 100\\ISO 2022 IR 101', '{M}fc{ller^}1b{-B}b3', 'Müller^ł'],
      ['\\ISO 2022 IR 109', '1b{-C}c5', 'Ċ'],
      ['\\ISO 2022 IR 110', '1b{-D}f1', 'ņ'],
      ['\\ISO 2022 IR 144', '1b{-L}b8d2', 'Ив'],
      ['\\ISO 2022 IR 127', '1b{-G}e2c8', 'قب'],
      ['\\ISO 2022 IR 126', '1b{-F}d0e1', 'Πα'],
      ['\\ISO 2022 IR 138', '1b{-H}f9f8', 'שר'],
      ['\\ISO 2022 IR 148', '1b{-M}fdf0', 'ığ'],
      ['\\ISO 2022 IR 203', '1b{-b}bc', 'Œ'],
      ['\\ISO 2022 IR 166', '1b{-T}cac1', 'สม'],
      ['\\ISO 2022 IR 13', '1b{)I}d4cf', 'ﾔﾏ'],
      // JIS X 0212, which the decoders of ISO-2022-JP leave out; a backslash and a caret inside are parts of characters.
      ['\\ISO 2022 IR 87\\ISO 2022 IR 159', '1b{$(D0!1B}1b{$BP7}1b{(B}', '丂俠亰'],
      ['\\ISO 2022 IR 87', '1b{$B0^0=0\\}1b{(B}', '緯綾移'],
      // Left and right are named apart: what is on the right stays when the left changes, and the other way round.
      ['ISO 2022 IR 144\\ISO 2022 IR 87', 'b81b{$B$?}1b{(B}d2', 'Иたв'],
      ['ISO 2022 IR 100\\ISO 2022 IR 149\\ISO 2022 IR 87', '1b{$)C}b1e8{a}1b{$B$?}1b{(B}b1e8', '김aた김'],
      // Behind a delimiter the first value's set is active again.
      ['ISO 2022 IR 100\\ISO 2022 IR 144', '1b{-L}b8{^}c4', 'И^Ä'],
    ] as const
  ).map(alone),
  {
    charset: '\\ISO 2022 IR 87',
    bytes: '{Yamada^Tarou=}1b{$B;3ED}1b{(B^}1b{$BB@O:}1b{(B=}1b{$B$d$^$@}1b{(B^}1b{$B$?$m$&}1b{(B}',
    name: { Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' },
  },
  {
    charset: 'ISO 2022 IR 13\\ISO 2022 IR 87',
    bytes: 'd4cfc0de{^}c0dbb3{=}1b{$B;3ED}1b{(J^}1b{$BB@O:}1b{(J=}1b{$B$d$^$@}1b{(J^}1b{$B$?$m$&}1b{(J}',
    name: { Alphabetic: 'ﾔﾏﾀﾞ^ﾀﾛｳ', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' },
  },
  {
    charset: '\\ISO 2022 IR 149',
    bytes: '{Hong^Gildong=}1b{$)C}fbf3{^}1b{$)C}d1ced4d7{=}1b{$)C}c8ab{^}1b{$)C}b1e6b5bf',
    name: { Alphabetic: 'Hong^Gildong', Ideographic: '洪^吉洞', Phonetic: '홍^길동' },
  },
  {
    charset: '\\ISO 2022 IR 58',
    bytes: '{Zhang^XiaoDong=}1b{$)A}d5c5{^}1b{$)A}d0a1b6ab{=}',
    name: { Alphabetic: 'Zhang^XiaoDong', Ideographic: '张^小东' },
  },
  {
    // Named once, as many writers do, although each part of the name should name it again.
    charset: '\\ISO 2022 IR 149',
    bytes: '1b{$)C}c8ab{^}b1e6b5bf',
    name: { Alphabetic: '홍^길동' },
  },
];

export const personNames: readonly PersonName[] = [...single, ...extended];

export function bytesOf({ bytes }: PersonName): Buffer {
  const parts = bytes.matchAll(/\{([^}]*)\}|([0-9a-f]+)/g);
  return Buffer.concat(
    [...parts].map(([, text, hex = '']) =>
      text === undefined ? Buffer.from(hex, 'hex') : Buffer.from(text),
    ),
  );
}
