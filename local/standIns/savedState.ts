// Keeps the stand-ins' state in a folder, so that a later run goes on where this one stopped.
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { readIfPresent, writePrivateFile } from '../privateFile.ts';
import type { CommunicationData } from './communication/identities.ts';
import type { ArchiveData } from './dicom/archive.ts';
import type { DirectoryData } from './directory.ts';
import type { GraphData } from './graph.ts';
import type { KeyVaultData } from './keyVault.ts';
import type { SigningKey } from './tokens.ts';

/** What the stand-ins work on; all of it is plain data that they change in place. */
export interface ServiceData {
  readonly graph: GraphData;
  readonly keyVault: KeyVaultData;
  readonly communication: CommunicationData;
  readonly dicom: Record<string, ArchiveData>;
  /** Of the ACS resource, base64. */
  readonly accessKey: string;
}

export interface SavedState extends ServiceData {
  readonly format: typeof format;
  readonly directory: DirectoryData;
  /** Private: tokens of the last run stay valid in the next one. */
  readonly signingKey: SigningKey;
}

const format = 'telehealth-stand-ins/2';
const saveEveryMs = 5000;

export function newServiceData(): ServiceData {
  return {
    graph: { lastAddition: {}, before: {} },
    keyVault: {},
    communication: { identities: {}, teamsTokens: [] },
    dicom: {},
    accessKey: randomBytes(32).toString('base64'),
  };
}

const fileIn = (folder: string): string => join(folder, 'stand-ins.json');

/** Undefined when the folder has none yet. Throws an error naming the file when it holds something else. */
export function loadState(folder: string): SavedState | undefined {
  const path = fileIn(folder);
  const text = readIfPresent(path);
  if (text === undefined) return undefined;
  if (!text.startsWith(`{"format":${JSON.stringify(format)}`)) {
    throw new Error(
      `${path} is not the state of these stand-ins: remove it, or set LOCAL_STATE to another folder.`,
    );
  }
  return JSON.parse(text) as SavedState;
}

/** Saves every 5 s what has changed, and once more when the answer is called: a killed run loses no more than that. */
export function keepSaving(folder: string, current: () => Omit<SavedState, 'format'>): () => void {
  let last = '';
  const save = (): void => {
    const text = JSON.stringify({ format, ...current() });
    if (text !== last) writePrivateFile(fileIn(folder), text);
    last = text;
  };
  save();
  const timer = setInterval(save, saveEveryMs).unref();
  return () => {
    clearInterval(timer);
    save();
  };
}
