// Turns an object of perhaps missing values into one of present values, or into nothing.
export function complete<T extends object>(
  parts: T,
): { [K in keyof T]: Exclude<T[K], undefined> } | undefined {
  const present = (value: T): value is T & { [K in keyof T]: Exclude<T[K], undefined> } =>
    Object.values(value).every((entry) => entry !== undefined);
  return present(parts) ? parts : undefined;
}
