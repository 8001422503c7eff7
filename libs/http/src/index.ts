export * from './decorators.js';
export * from './exchange-log.js';
export { createHttpApp, type HttpAppOptions } from './http-app.js';
export * from './principal.js';
export * from './problem.js';
export { QuirkCounts } from './quirk-counts.js';
export { Unauthorized } from './refusals.js';
export * from './traffic-db.js';
export * from './validation.js';
