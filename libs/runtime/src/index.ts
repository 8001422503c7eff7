export * from './clock.js';
export * from './ids.js';
export * from './sql.js';
