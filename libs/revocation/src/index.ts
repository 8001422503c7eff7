export * from './engine.js';
export * from './operator.commands.js';
export * from './operator.handlers.js';
export * from './retry-policy.js';
export { REVOCATION_DB, migrateRevocationDb, type RevocationDb } from './revocation-db.js';
export type { LaneStatus } from './dispatcher.js';
export { Connectors } from './connectors/registry.js';
export { OutboundHttp } from './connectors/outbound-http.js';
