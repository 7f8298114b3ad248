// Which release this is: operators compare it with what they deployed.

/** That of `package.json`, which is not part of the bundle. */
export const version = '0.1.0';
