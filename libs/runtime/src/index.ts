export * from './clock.js';
export { ConfigError, publicUrlOf, readConfig, type Config, type Role } from './config.js';
export * from './config-reference.js';
export * from './ids.js';
export { createLogger, type Logger, type LoggerOptions } from './logger.js';
export * from './nest-logger.js';
export * from './sql.js';
export * from './sql-tables.js';
export { chunksOf, idLists, marks, rowGroups, ROWS_PER_STATEMENT, run } from './statement.js';
