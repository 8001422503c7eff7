export { BrokenSealError } from './envelope.js';
export * from './sql-vault.adapter.js';
export * from './root-key-file.js';
export { migrateVaultDb, WrongRootKeyError, type VaultDb } from './vault-db.js';
export * from './vault.port.js';
