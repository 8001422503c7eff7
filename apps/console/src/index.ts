export * from './console.module.js';
export { operatorProblemCodes } from './known-errors.js';
export * from './lanes.js';
export { directoryNames } from './names.js';
export * from './operator-views.js';
