// The arguments of a start, and the text that explains them.
import { parseArgs } from 'node:util';
import { TENANT_ID } from '@app/events';

export interface Arguments {
  /** One line of JSON instead of sentences. */
  readonly json: boolean;
  /** A further token and key. */
  readonly issueKeys: boolean;
  /** The tenant to make or to issue keys for. */
  readonly tenant: string | undefined;
  readonly help: boolean;
}

export const USAGE = `Usage: npm start -- [--json] [--issue-keys] [--tenant <id>]

  --json         print one line of JSON and nothing else: npm start -s -- --json
  --issue-keys   issue a further token and key: the first ones were lost
  --tenant <id>  make another tenant with a connection and keys of its own
  --help         print this text

Everything else is configured by environment variables: docs/configuration.md
`;

/** Something was asked for that there is not. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** @throws UsageError */
export function readArguments(args: readonly string[]): Arguments {
  const { tenant, help, json, ...others } = parsed(args);
  if (tenant !== undefined && !TENANT_ID.test(tenant)) {
    throw new UsageError(`--tenant takes the id of a tenant, which must match ${TENANT_ID}.`);
  }
  return { tenant, help, json, issueKeys: others['issue-keys'] };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean', default: false },
        'issue-keys': { type: 'boolean', default: false },
        tenant: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
