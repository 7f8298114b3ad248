// What every function file is given: the capabilities as far as they are configured, and the platform's services.
import type { ChangeFeed } from '../changeFeed/changeFeed.ts';
import type { Communication } from '../communication/communication.ts';
import type { Callers } from '../platform/caller.ts';
import type { Clock } from '../platform/clock.ts';
import type { HealthBoard } from '../platform/health.ts';
import type {
  ChangeFeedSettings,
  CommunicationSettings,
  RequiredRole,
  RotationSettings,
  Section,
  Settings,
} from '../platform/settings/types.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import type { Rotation } from '../rotation/rotation.ts';

/** A capability that is on: its settings, its service and its callers, each made at first use. */
export interface Part<S, T> {
  readonly settings: S;
  readonly service: () => T;
  readonly callers: () => Callers;
}

export type CommunicationPart = Part<CommunicationSettings, Communication>;
export type RotationPart = Part<RotationSettings, Rotation>;
export type ChangeFeedPart = Part<ChangeFeedSettings, ChangeFeed>;

export interface AppContext {
  readonly settings: Settings;
  readonly clock: Clock;
  /** Aborts when the process is asked to stop. */
  readonly shutdown: AbortSignal;
  readonly health: HealthBoard;
  readonly telemetry: Telemetry;
  readonly operators: Section<{ readonly role: RequiredRole; readonly callers: () => Callers }>;
  readonly communication: Section<CommunicationPart>;
  readonly rotation: Section<RotationPart>;
  readonly changeFeed: Section<ChangeFeedPart>;
}
