export { IDEMPOTENCY_DB, migrateIdempotencyDb, type IdempotencyDb } from './idempotency-db.js';
export { platformDocument } from './openapi.js';
export * from './platform-api.module.js';
