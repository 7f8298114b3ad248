// The few parts of dcmjs in use: the package ships no types of its own.
declare module 'dcmjs' {
  interface DicomDict {
    dict: object;
    write(): ArrayBuffer;
  }
  interface Dcmjs {
    readonly data: {
      readonly DicomDict: new (meta: object) => DicomDict;
      readonly DicomMetaDictionary: {
        /** By tag, written as `(0008,0005)` with capital hexadecimal digits. */
        readonly dictionary: Readonly<Partial<Record<string, { readonly vr?: string }>>>;
      };
    };
  }
  const dcmjs: Dcmjs;
  export default dcmjs;
}
