export * from './event-log.port.js';
export * from './codec.js';
export * from './projection.port.js';
