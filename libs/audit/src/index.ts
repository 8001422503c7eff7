export * from './checkpoint.js';
export * from './log-key-file.js';
export * from './merkle.js';
