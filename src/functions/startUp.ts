// Says at start-up, in one line each, which capabilities are on, off or wrong; the host prints the console's lines.
import { problemText, settingProblems } from '../platform/settings/settings.ts';
import type { AppContext } from './context.ts';

const names = ['communication', 'rotation', 'changeFeed'] as const;

/** Writes the start-up lines and notes bad settings on the health board. */
export function reportSettings({ settings, health }: AppContext): void {
  for (const name of names) {
    const section = settings[name];
    if (section.state === 'off') console.info(`${name}: off, none of its settings is set`);
    if (section.state === 'on') console.info(`${name}: on`);
    if (section.state === 'misconfigured') {
      console.warn(`${name}: misconfigured, its routes answer 503 and its timer fails`);
      health.note(name, false, problemText(section));
    }
  }
  const problems = settingProblems(settings);
  if (problems.length > 0) {
    const lines = problems.map(({ setting, problem }) => `  ${setting}: ${problem}`);
    console.error([`Settings with problems: ${problems.length}`, ...lines].join('\n'));
  }
}
