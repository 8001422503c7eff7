export * from './codec.js';
export * from './decide.js';
export * from './event-log.port.js';
export * from './eventstore.adapter.js';
export * from './follow.js';
export * from './new-event.js';
export * from './projection.port.js';
export * from './sqlite.adapter.js';
export { Progress } from './progress.js';
