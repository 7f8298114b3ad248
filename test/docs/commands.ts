// The commands on a page: blocks of `sh` taken apart into words, with an example in place of what the reader fills in.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');
export const read = (path: string): string => readFileSync(join(root, path), 'utf8');

export interface Command {
  /** As it stands on the page, continued lines joined. */
  readonly line: string;
  readonly words: readonly string[];
  /** Under `# needs Azure`. */
  readonly needsAzure: boolean;
}

/** What readers fill in, and something of its form. */
const examples: Readonly<Record<string, string>> = {
  api: 'api://telehealth',
  'client id': '7e1e4ea1-7000-4000-8000-000000000006',
  'function app': 'func-abc',
  group: 'telehealth',
  holder: 'imaging-backend',
  host: 'clinic-imaging.dicom.azurehealthcareapis.com',
  'key id': '7e1e4ea1-7000-4000-8000-00000000000b',
  number: '57',
  'object id': '7e1e4ea1-7000-4000-8000-00000000000e',
  'principal id': '7e1e4ea1-7000-4000-8000-00000000000d',
  'replay id': '20261121T164104247-9e471fb9',
  'resource id':
    '/subscriptions/x/resourceGroups/y/providers/Microsoft.Communication/communicationServices/z',
  'tenant id': '7e1e4ea1-7000-4000-8000-000000000001',
  'user id': 'nurse-17',
  vault: 'kvs-abc',
};

/** What `azd env get-value` answers where an option has to have a form. */
const values: Readonly<Record<string, string>> = {
  AUDIT_STORAGE_URL: 'https://ststateabc.blob.core.windows.net/',
  SECRETS_VAULT_URL: 'https://kvs-abc.vault.azure.net',
};

function blocksOf(page: string): readonly string[] {
  return [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, text = '']) => text);
}

export function commandsOf(page: string): readonly Command[] {
  return blocksOf(page).flatMap((block) => {
    const needsAzure = block.startsWith('# needs Azure\n');
    const lines = block.replaceAll(/ \\\n */g, ' ').split('\n');
    return lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => ({ line, words: wordsOf(line), needsAzure }));
  });
}

/** As a shell would split `line`, which uses nothing but quotes, variables and `azd env get-value`; `known` fills in first. */
export function wordsOf(line: string, known: Readonly<Record<string, string>> = {}): readonly string[] {
  const filledIn = line
    .replaceAll(/<([a-z ]+)>/g, (whole, name: string) => {
      const example = known[name] ?? examples[name];
      assert.ok(example, `${whole} is nothing that readers are known to fill in`);
      return example;
    })
    .replaceAll(/"\$\(azd env get-value (\w+)\)"/g, (_, name: string) => `"${values[name] ?? name}"`);
  const words = filledIn.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g);
  return [...words].map(([, double, single, bare]) => double ?? single ?? bare ?? '');
}
