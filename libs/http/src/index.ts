export * from './decorators.js';
export { createHttpApp, type HttpAppOptions } from './http-app.js';
export * from './principal.js';
export * from './problem.js';
export * from './validation.js';
