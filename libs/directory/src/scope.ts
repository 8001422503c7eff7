// Whose resources may be seen and changed: those of one connection, or of the whole tenant.

/** With `connection`, what that connection provisioned and nothing else; without, everything in the tenant. */
export interface Scope {
  readonly tenant: string;
  readonly connection?: string | undefined;
}

/** @param provisionedBy the connection; undefined or null when it was the platform */
export const isWithin = ({ connection }: Scope, provisionedBy: string | null | undefined): boolean =>
  connection === undefined || connection === provisionedBy;
