export * from './decorators.js';
export * from './principal.js';
export * from './problem.js';
