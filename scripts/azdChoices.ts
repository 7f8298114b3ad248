// Looks at azd's variables before it deploys: azd takes a yes or no or a number that it cannot read for one that is not set.
import file from '../infra/main.parameters.json' with { type: 'json' };

/** What is wrong with `variables`, a sentence for each; empty where azd takes every one of them for what it says. */
export function wrongChoices(variables: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.values<{ readonly value: unknown }>(file.parameters).flatMap(({ value }) => {
    // The default says what the parameter is.
    const [, name = '', fallback = ''] = /^\$\{(\w+)=(true|false|\d+)\}$/.exec(String(value)) ?? [];
    const given = variables[name] ?? '';
    const [form, expected] = /\d/.test(fallback)
      ? [/^\d{1,9}$/, 'a whole number']
      : [/^(true|false)$/, 'true or false'];
    return given === '' || form.test(given) ? [] : [`${name}: expected ${expected}.`];
  });
}

if (import.meta.main) {
  const wrong = wrongChoices(process.env);
  for (const problem of wrong) console.error(problem);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}
