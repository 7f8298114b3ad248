// Says at start-up, in one line each, which capabilities are on, off or wrong; the host prints the console's lines.
import { problemText, settingProblems } from '../platform/settings/settings.ts';
import type { HealthBoard } from '../platform/health.ts';
import { describeError } from '../platform/log.ts';
import { version } from '../platform/version.ts';
import type { AppContext } from './context.ts';
import type { TelemetryFailures } from './telemetry.ts';

const names = ['communication', 'rotation', 'changeFeed', 'telemetry'] as const;

function consequence(name: (typeof names)[number]): string {
  return name === 'telemetry' ? 'nothing is sent' : 'its routes answer 503 and its timer fails';
}

/** Writes the start-up lines and notes bad settings on the health board. */
export function reportSettings({ settings, health }: AppContext): void {
  console.info(`telehealth-functions: release ${version}`);
  for (const name of names) {
    const section = settings[name];
    if (section.state === 'off') console.info(`${name}: off, none of its settings is set`);
    if (section.state === 'on') console.info(`${name}: on`);
    if (section.state === 'misconfigured') {
      console.warn(`${name}: misconfigured, ${consequence(name)}`);
      health.note(name, false, problemText(section));
    }
  }
  const problems = settingProblems(settings);
  if (problems.length > 0) {
    const lines = problems.map(({ setting, problem }) => `  ${setting}: ${problem}`);
    console.error([`Settings with problems: ${problems.length}`, ...lines].join('\n'));
  }
}

/** Without telemetry the app works; that it has none is for the log and for the details of the health. */
export function telemetryFailures(health: HealthBoard): TelemetryFailures {
  return {
    notLoaded(error) {
      health.note(
        'telemetry',
        false,
        'Telemetry could not be loaded: deploy the package with its telemetry.cjs.',
      );
      console.error(JSON.stringify({ event: 'telemetry_not_loaded', ...describeError(error) }));
    },
    notSent(place, error) {
      const described = describeError(error);
      const why = described['code'] === undefined ? '' : ` (${String(described['code'])})`;
      health.note('telemetry', true, `${place} did not take what it was sent${why}: that is lost.`);
      console.warn(JSON.stringify({ event: 'telemetry_not_sent', place, ...described }));
    },
  };
}
