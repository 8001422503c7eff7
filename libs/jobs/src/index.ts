export * from './bullmq.adapter.js';
export * from './in-process.adapter.js';
export * from './job-queue.port.js';
export { launchRedis, type LaunchedRedis, type LaunchOptions } from './redis-launcher.js';
export * from './redis-url.js';
