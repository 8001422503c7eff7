export * from './agent.commands.js';
export * from './directory.errors.js';
export * from './directory.queries.js';
export * from './group.commands.js';
export * from './tenant.commands.js';
export * from './user.commands.js';
