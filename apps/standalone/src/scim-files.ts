// The files of schemas and resource types that an operator adds, read before anything is opened.
import { ConfigError, type Config } from '@app/runtime';
import { extensionsIn, resourceTypesIn } from '@app/scim-api';

export interface ScimFiles {
  readonly extensions: ReturnType<typeof extensionsIn>;
  readonly resourceTypes: ReturnType<typeof resourceTypesIn>;
}

/** @throws {ConfigError} that lists the problems of both at once */
export function readScimFiles({ scimExtensions, scimResourceTypes }: Config): ScimFiles {
  const problems: string[] = [];
  const read = <T>(reader: () => T): T | undefined => {
    try {
      return reader();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const extensions = read(() => extensionsIn(scimExtensions));
  const resourceTypes = read(() => resourceTypesIn(scimResourceTypes));
  if (extensions === undefined || resourceTypes === undefined) throw new ConfigError(problems);
  return { extensions, resourceTypes };
}
