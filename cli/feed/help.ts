// What `npm run feed -- --help` says.
import { accessHelp } from '../app/options.ts';

export const help = `Shows and operates the change feed of the DICOM services, through the routes of the app.

  npm run feed -- status     [<replay id>] [--wait] [--service <which>]
  npm run feed -- run
  npm run feed -- replay     [--service <which>] --reason <text> [--sinks <names>] [--wait]
                             --from <sequence> [--to <sequence>]  or  --since <time> [--until <time>]
  npm run feed -- cancel     <replay id> [--reason <text>]
  npm run feed -- redrive    [--service <which>] --reason <text>
  npm run feed -- set-cursor [--service <which>] --sequence <number> --expect <number or none> --reason <text>

  status                     where each service stands, as its last run left it, and its replays; or one replay
  run                        pulls now, and waits for the outcome: up to three minutes
  replay                     delivers a part of the feed again beside the live delivery, with the ids it had; prints
                             the id. On a terminal it then shows the progress; Ctrl-C leaves the replay running
  cancel                     ends a replay for good; what it has delivered stays delivered
  redrive                    offers the changes that a sink has refused to it again
  set-cursor                 says after which sequence the live delivery goes on; acknowledges a feed that was made
                             anew, or a cursor that was lost. Says what that means and asks; while a run
                             holds the cursor it tries again for up to a minute

  --service <which>          URL, or host name or its first part; needed where several services are configured
  --from, --to <sequence>    first and last sequence; without --to as far as the live delivery is
  --since, --until <time>    the same by the time of the changes, ISO 8601 with its zone: 2026-11-20T08:00:00Z
  --sinks <names>            any of blob, queue, webhook, comma separated; default: all that are configured
  --wait                     wait until the replay has ended; with a line each minute where there is no terminal
  --sequence <number>        the change after this one is the next to be delivered
  --expect <number or none>  where the cursor stands, as status shows it; otherwise nothing is changed
  --reason <text>            why; goes into the audit record; with cancel it may be left out
  --yes                      do not ask before set-cursor

${accessHelp}

A function's own key opens one route: getChangeFeed, runChangeFeed, startReplay, getReplay, cancelReplay,
redriveDeadLetters or setCursor. A host key opens all; what --service leaves to be found out, and what set-cursor
says before it asks, need the first.
Exit code: 0 fine, 1 a service or replay failed, or something was refused, 2 wrong usage, 3 not reachable or not
allowed, 4 busy, or the time was up: ask again, 130 not confirmed, or interrupted: what was asked for goes on.

Examples:
  npm run feed -- status
  npm run feed -- replay --since 2026-11-20T08:00:00Z --sinks queue --reason "the queue was purged"
  FUNCTION_KEY=$(cat key.txt) npm run feed -- redrive --reason "the receiver was mended" \\
    --url https://func-telehealth.azurewebsites.net
`;
