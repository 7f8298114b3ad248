// Every limit that is not a setting, in one place; the README lists them.

/** Largest request body in bytes. */
export const maxBodyBytes = 16 * 1024;
/** Most clock skew accepted in `exp`, `nbf` and `iat` of a caller's token, seconds. */
export const tokenSkewSeconds = 60;
/** Longest `Authorization` header, bytes. */
export const maxAuthorizationBytes = 16 * 1024;
/** Issuer documents (discovery, keys): time for one request, size, cool-down between fetches, and how long stale keys serve. */
export const issuerTimeoutMs = 5_000;
export const issuerMaxBytes = 512 * 1024;
export const issuerCooldownMs = 30_000;
export const issuerFreshMs = 10 * 60_000;
export const issuerStaleMs = 24 * 3_600_000;
/** A service behind the app counts as failing after this many failures in a row, if it refuses the app or they span this long. */
export const dependencyFailures = 3;
export const dependencyFailingMs = 60_000;
/** After this long without use nothing is known of it any more. */
export const dependencyStaleMs = 15 * 60_000;
/** How long after its second missed time a timer is called overdue. */
export const timerOverdueMs = 10 * 60_000;
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
/** A storage account that is silent for this long is not waited for any more. */
export const storageSilenceMs = 20_000;
/** A lease's length, how often it is renewed, and how long before its end it no longer vouches for a write. */
export const leaseSeconds = 60;
export const leaseRenewMs = 20_000;
export const leaseMarginMs = 10_000;
/** Work time of a run started over HTTP: Azure ends the answer at 230 s. */
export const httpRunBudgetMs = 180_000;
/** Time for an ordinary HTTP call of a client. */
export const httpCallBudgetMs = 25_000;
/** How long after that the work may take to stop before the caller is answered without it. */
export const httpAnswerGraceMs = 2_000;
/** Work time of a timer's run; all end well before `functionTimeout` in host.json (10 minutes), at which the host ends the worker. */
export const cleanUpBudgetMs = 240_000;
export const rotationBudgetMs = 480_000;
export const feedBudgetMaxSeconds = 540;
/** Telemetry: between two sendings of metrics, time for one sending, spans that may wait, and between two lines about a failure. */
export const telemetryIntervalMs = 60_000;
export const telemetryExportTimeoutMs = 10_000;
export const telemetryQueuedSpans = 2_048;
export const telemetryLogMs = 3_600_000;
/** How long a timer's run, and the end of the process, wait for telemetry to be sent. */
export const telemetryFlushMs = 3_000;

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
/** Owners, federated credentials and the service principal's secrets are read again after this long, and how long that may take. */
export const rotationSurveyMs = 24 * 3_600_000;
export const rotationSurveyTimeoutMs = 10_000;
/** How long a definite refusal of a mint or publish is taken to last when nothing has changed: a daily run tries daily. */
export const rotationObstacleMs = 23 * 3_600_000;
/** Credentials on one application above which it is warned of Entra's size limit, which is not published and lies at some hundreds. */
export const rotationManyCredentials = 100;

// The change feed.
/** One request to the DICOM service with its retries, milliseconds: metadata of 100 entries can take half a minute. */
export const feedRequestTimeoutMs = 90_000;
export const feedRequestRetries = 3;
/** Waits of one request that the service throttles, beyond those of the pipeline. */
export const feedThrottleWaits = 5;
/** Sequences of one page: v1 refuses to answer more. */
export const feedPageMax = 100;
/** A range ends after this many pages with entries, this many bytes of replies, or this many pages in all. */
export const feedRangePages = 10;
export const feedRangeBytes = 8 * 1024 * 1024;
export const feedScanPages = 150;
/** A page with a larger answer makes the next ones half as long, bytes; this many good ones make them one longer. */
export const feedPageTargetBytes = 4 * 1024 * 1024;
export const feedPagesToGrow = 4;
/** Pages asked for at once, those and the ones that wait for their turn, and the bytes that all of their answers may have. */
export const feedFetchesAtOnce = 16;
export const feedAheadPages = 32;
export const feedAheadBytes = 16 * 1024 * 1024;
/** What one of them may have: this often the last answer, and no less than so many bytes. A larger one is asked for in its turn. */
export const feedAheadGrowth = 2;
export const feedAheadLeastBytes = 64 * 1024;
/** Changes whose metadata cannot be read that one run finds before it ends. */
export const feedSuspectsInRun = 25;
/** No range is begun, and no throttled answer waited for, with less of the budget left than this. */
export const feedReserveMs = 5_000;
/** A neighbour's timestamp vouches for a hole's age only when it is older than both: milliseconds, settle times. */
export const feedOldNeighbourMs = 10 * 60_000;
export const feedOldNeighbourSettles = 10;
/** Audit of crossed holes: the first pause, which doubles, and the most pages read in one run. */
export const feedAuditFirstMs = 60_000;
export const feedAuditPages = 20;
/** Pause after a sink's third failure in a row, which doubles up to the longest. */
export const feedSinkPauseMs = 60_000;
export const feedSinkPauseMaxMs = 5 * 60_000;
/** A start by time looks at this much of the feed from its first change on, in pages of v2. */
export const feedStartWindowMs = 2 * 60_000;
export const feedWindowRows = 200;
export const feedServicesAtOnce = 4;
/** Storage queue: messages sent at the same time, and the largest event in bytes before base64. */
export const feedQueueSendsAtOnce = 16;
export const feedQueueMessageBytes = 48 * 1024;
/** Webhook: time for one request, and the most of its answer that is read, bytes. */
export const feedWebhookTimeoutMs = 30_000;
export const feedWebhookAnswerBytes = 1024 * 1024;
/** Events and bytes of one batch: Event Grid takes a megabyte. A larger event goes alone. */
export const feedWebhookBatchEvents = 100;
export const feedWebhookBatchBytes = 512 * 1024;
/** Tries of a request that was throttled, failed or broke off, and the first pause without `Retry-After`, which doubles. */
export const feedWebhookTries = 4;
export const feedWebhookPauseMs = 1_000;
/** Refusals of single changes in a row above which the receiver itself counts as broken. */
export const feedRefusalsInARow = 10;
/** How long counting the dead letters of a service may take: a report is not worth more. */
export const feedCountTimeoutMs = 5_000;
/** Replays: the part of a service's time that they get, lanes of one at the same time, sequences of a slice. */
export const feedReplayShare = 1 / 4;
export const feedReplayLanes = 2;
export const feedReplaySlice = 5_000;
/** Replays of one service that may be under way, and documents of them read at the same time. */
export const feedReplaysOpen = 10;
export const feedReplayReadsAtOnce = 8;
/** Replays in a report, how long ago they may have ended, and when an ended one is forgotten. */
export const feedReplaysReported = 20;
export const feedReplayReportedMs = 24 * 3_600_000;
export const feedReplayKeptMs = 30 * 24 * 3_600_000;
/** Tries to cancel a replay that a run writes to meanwhile. */
export const feedReplayCancelTries = 8;
/** How long a signing key is used before the vault is asked again, and how long that may take. */
export const feedSigningKeyMs = 5 * 60_000;
export const feedSigningKeyTimeoutMs = 15_000;

// communication
/** Creating an identity, one try. The longest any other ACS call takes, its retry included. */
export const acsCreateTimeoutMs = 8_000;
export const acsTimeoutMs = 10_000;
/** Azure docs, service limits: requests of each kind per window and resource; the part of revoke and delete kept for the backend. */
export const acsWindowMs = 30_000;
export const acsRequestsPerWindow = { create: 1000, issue: 1000, revoke: 500, delete: 500, exchange: 500 };
export const acsReserve = 1 / 5;
/** How much later than another a request may reach ACS after both were counted here. */
export const acsOnTheWayMs = 1_000;
/** How long users wait, and are told to wait, when ACS throttles without `Retry-After`, seconds. */
export const acsRetryAfterSeconds = 10;
/** Wait before the one retry of an ACS call that may be repeated, at most; half of it at least. */
export const acsRetryPauseMs = 500;
/** One operation on a table, its retries included. */
export const tableTimeoutMs = 10_000;
/** A claim's life; it covers the time until create is sent, create's timeout and the record write. */
export const claimLifeMs = 30_000;
export const claimSendByMs = claimLifeMs - acsCreateTimeoutMs - tableTimeoutMs;
/** Tries of the record write in all, each with its own time limit, and the wait after the first failure, which doubles. */
export const recordTries = 5;
export const recordPauseMs = 1_000;
/** How long a call waits for an identity that another one is creating. */
export const identityWaitMs = 20_000;
/** How often a change of a row is tried anew when others change it meanwhile. */
export const directoryTries = 8;
/** Age up to which an announcement in the outbox still covers a change of the row, and when the timer first looks at it. */
export const announcementMs = 30_000;
export const cleanUpGraceMs = 120_000;
/** Wait after the first failed clean-up of an entry; it doubles up to the second value. */
export const cleanUpBackoffMs = 60_000;
export const cleanUpMaxBackoffMs = 3_600_000;
/** Entries of the outbox worked on at once, and the time left at which the timer takes no more. */
export const cleanUpParallel = 4;
export const cleanUpStopMs = 30_000;
/** How long a row that refuses or counts something is kept: longer than any bearer lives that its `tokensValidFrom` refuses. */
export const tombstoneMs = 48 * 3_600_000;
/** Identities of one user erased or replaced per hour before the next one is refused, and replaced ones kept in a row. */
export const cyclesPerHour = 6;
export const maxReplacedIdentities = 50;
/** Identities and users that a process remembers at most. */
export const rememberedUsers = 10_000;
