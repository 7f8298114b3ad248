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

// Rotation of service clients' secrets.

/** Service clients worked on at the same time by one run. */
export const rotationParallelClients = 8;
/** A client is begun only with this much of the run's budget left. */
export const rotationStartLeastMs = 10_000;
/** How far Graph's, Key Vault's and our own clock may lie apart before nothing is changed any more. */
export const rotationClockToleranceMs = 5 * 60_000;
/** Most credentials of one target that may exist and not be expired, counting mints that Graph may not show yet. */
export const rotationMaxOwned = 4;
/** Between two mints for one target, unless forced. Also how long a mint counts that Graph does not show. */
export const rotationMinIntervalMs = 3_600_000;
/** How old a credential must be that no version names before it is swept. */
export const rotationOrphanAgeMs = 2 * 3_600_000;
/** Between the two rejections of one version that together count as proof that it is dead. */
export const rotationRejectionGapMs = 10 * 60_000;
/** Proof of a new secret: this many fresh tokens in a row, this far apart, within the deadline. */
export const rotationVerifyTokens = 4;
export const rotationVerifyGapMs = 3_000;
export const rotationVerifyDeadlineMs = 180_000;
/** Kept free of the run's budget for publishing, reading back and compensating. */
export const rotationFinishMs = 60_000;
/** No mint unless, beyond `rotationFinishMs`, this much is left for the proof; it is what bounds the deadline then. */
export const rotationVerifyLeastMs = 30_000;
/** A new secret is never published later than this after its mint: sweeping relies on it. */
export const rotationPublishWithinMs = 10 * 60_000;
/** Reads of the application until a fresh credential shows (Graph reads are stale for seconds), and the wait between them. */
export const rotationPolls = 4;
export const rotationPollGapMs = 5_000;
/** Tries of a write that was certainly not executed (throttled, concurrent), the first wait, and the longest wait. */
export const rotationWriteTries = 4;
export const rotationWriteWaitMs = 2_000;
export const rotationWriteWaitMaxMs = 15_000;
/** Time for one token request, and for one write to the vault. */
export const rotationProbeTimeoutMs = 10_000;
export const rotationVaultTimeoutMs = 15_000;
/** How long a mint is remembered after its credential is gone. */
export const rotationIntentKeptMs = 24 * 3_600_000;
