export type { AuditDb } from './audit-db.js';
export * from './checkpoint.js';
export * from './checkpoints.js';
export * from './ledger.js';
export * from './ledger.view.js';
export * from './log-key-file.js';
export * from './trail.js';
export * from './trail.view.js';
