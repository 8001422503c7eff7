export * from './access.events.js';
export * from './catalog.js';
export * from './denies.js';
export * from './directory.events.js';
export * from './envelope.js';
export * from './revocation.events.js';
export * from './role.events.js';
export * from './streams.js';
