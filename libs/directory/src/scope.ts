// Whose resources may be seen and changed: those of one connection, or of the whole tenant.
import type { Attributes } from './user.commands.js';

/** With `connection`, what that connection provisioned and nothing else; without, everything in the tenant. */
export interface Scope {
  readonly tenant: string;
  readonly connection?: string | undefined;
}

/** @param provisionedBy the connection; undefined or null when it was the platform */
export const isWithin = ({ connection }: Scope, provisionedBy: string | null | undefined): boolean =>
  connection === undefined || connection === provisionedBy;

/** What is handed over to another connection: the externalId meant something to the former one alone. */
export function withoutExternalId(attributes: Attributes): Attributes {
  const { externalId: _, ...others } = attributes;
  return others;
}
