export * from './sql-vault.adapter.js';
export * from './root-key-file.js';
export { BrokenSealError } from './envelope.js';
export type { VaultDb } from './vault-db.js';
export * from './vault.port.js';
