export * from './change-set.js';
