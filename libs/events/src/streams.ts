// Stream names, built here and nowhere else: `<noun>-<tenant>-<id>`.

/** Tenant ids are lower-case letters, digits and `_`, so that the `-` separators of a stream name stay unambiguous. */
export const TENANT_ID = /^[a-z0-9_]{1,40}$/;

const name = (noun: string, tenant: string, id: string): string => {
  if (!TENANT_ID.test(tenant)) throw new Error(`tenant id ${JSON.stringify(tenant)} does not match ${TENANT_ID}`);
  if (id === '') throw new Error(`empty id for a ${noun} stream`);
  return `${noun}-${tenant}-${id}`;
};

/** The stream of each aggregate. */
export const streams = {
  tenant: (tenant: string) => name('tenant', tenant, 'self'),
  connection: (tenant: string, id: string) => name('connection', tenant, id),
  user: (tenant: string, id: string) => name('user', tenant, id),
  /** `hash` is the vault's keyed digest of the case-folded userName. */
  userName: (tenant: string, hash: string) => name('username', tenant, hash),
  group: (tenant: string, id: string) => name('group', tenant, id),
  /** Roles, mappings and memberships of a tenant: decided one after the other. */
  roles: (tenant: string) => name('roles', tenant, 'self'),
  agent: (tenant: string, id: string) => name('agent', tenant, id),
  /** Of a type that an operator added. */
  resource: (tenant: string, id: string) => name('resource', tenant, id),
  application: (tenant: string, id: string) => name('application', tenant, id),
  provider: (tenant: string, id: string) => name('provider', tenant, id),
  credential: (tenant: string, id: string) => name('credential', tenant, id),
  schedule: (tenant: string, id: string) => name('schedule', tenant, id),
  run: (tenant: string, id: string) => name('run', tenant, id),
  cascade: (tenant: string, id: string) => name('cascade', tenant, id),
  /** One stream per revocation target: thousands of workers never contend. */
  revocation: (tenant: string, id: string) => name('revocation', tenant, id),
};
