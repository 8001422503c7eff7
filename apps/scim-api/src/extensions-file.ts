// Reads the file of the extensions that an operator adds to the schemas.
import { readFileSync } from 'node:fs';
import { ConfigError } from '@app/runtime';
import { readExtensions, type CustomExtensions } from '@app/scim';

/**
 * @param path of a JSON document as {@link readExtensions} takes it; nothing is added without one
 * @throws ConfigError that lists all problems at once
 */
export function extensionsIn(path: string | undefined): CustomExtensions {
  if (path === undefined) return new Map();
  const { extensions, problems } = readExtensions(documentIn(path, 'SCIM_EXTENSIONS'));
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `SCIM_EXTENSIONS: ${problem}`));
  return extensions;
}

/**
 * @param setting that names the file
 * @throws ConfigError
 */
export function documentIn(path: string, setting: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new ConfigError([`${setting} names a file that cannot be read. Set it to the path of a JSON file.`]);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigError([`${setting} names a file that is not JSON. Mend the file.`]);
  }
}
