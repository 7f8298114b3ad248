// Every limit that is not a setting, in one place; the README lists them.

/** Largest request body in bytes. */
export const maxBodyBytes = 16 * 1024;
/** Most clock skew accepted in `exp` and `nbf` of a caller's token, seconds. */
export const tokenSkewSeconds = 60;
/** Longest `Authorization` header, bytes. */
export const maxAuthorizationBytes = 16 * 1024;
/** Issuer documents (discovery, keys): time for one request, size, cool-down between fetches, and how long stale keys serve. */
export const issuerTimeoutMs = 5_000;
export const issuerMaxBytes = 512 * 1024;
export const issuerCooldownMs = 30_000;
export const issuerFreshMs = 10 * 60_000;
export const issuerStaleMs = 24 * 3_600_000;
/** Longest an access token of our own may take to arrive (managed identity, Azure CLI). */
export const credentialTimeoutMs = 20_000;
/** Default time for one upstream request. */
export const upstreamTimeoutMs = 30_000;
/** Longest `Retry-After` that is waited for inside one request. */
export const maxRetryAfterMs = 5_000;
/** Largest answer read from an upstream unless a caller says otherwise, bytes. */
export const maxUpstreamBytes = 16 * 1024 * 1024;
/** Storage: tries and time for one try. */
export const storageTries = 4;
export const storageTryTimeoutMs = 10_000;
/** A lease's length, how often it is renewed, and how long before its end it no longer vouches for a write. */
export const leaseSeconds = 60;
export const leaseRenewMs = 20_000;
export const leaseMarginMs = 10_000;
/** Work time of a run started over HTTP: Azure ends the answer at 230 s. */
export const httpRunBudgetMs = 180_000;
/** Time for an ordinary HTTP call of a client. */
export const httpCallBudgetMs = 25_000;
/** Work time of a timer's run; both end well before `functionTimeout` in host.json (10 minutes). */
export const cleanUpBudgetMs = 240_000;
export const rotationBudgetMs = 480_000;
