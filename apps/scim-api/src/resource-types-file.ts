// Reads the file of the resource types that an operator adds to those of the RFCs.
import { ConfigError } from '@app/runtime';
import { readResourceTypes, type CustomTypes } from '@app/scim';
import { documentIn } from './extensions-file.js';

/**
 * @param path of a JSON document as {@link readResourceTypes} takes it; nothing is added without one
 * @throws ConfigError that lists all problems at once
 */
export function resourceTypesIn(path: string | undefined): CustomTypes {
  if (path === undefined) return new Map();
  const { types, problems } = readResourceTypes(documentIn(path, 'SCIM_RESOURCE_TYPES'));
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `SCIM_RESOURCE_TYPES: ${problem}`));
  return types;
}
