export * from './job-queue.port.js';
