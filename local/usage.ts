// What the environment decides about a local run, for the help texts.
import { portSettings } from './ports.ts';

/** A line for each variable. */
export const variables = `Variables of the environment:
  LOCAL_DIR      folder of the run file, default .local
  LOCAL_APP      folder of a packaged app (npm run package) that the local host runs instead of this one
  LOCAL_STATE    folder that keeps storage and stand-ins between runs; without it everything is in memory
  and the ports with their defaults, 0 for a free one:
    ${portSettings.join('\n    ')}`;
