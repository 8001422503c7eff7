export { IDEMPOTENCY_DB, type IdempotencyDb } from './idempotency-db.js';
export * from './platform-api.module.js';
export { platformProblemCodes } from './platform-problems.js';
