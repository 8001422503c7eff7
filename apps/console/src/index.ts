export * from './console.module.js';
export * from './lanes.js';
export { directoryNames } from './names.js';
export * from './operator-views.js';
