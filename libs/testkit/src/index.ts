export * from './eventstore/eventstore-server.js';
export * from './providers/lab-server.js';
export * from './providers/oauth-provider.js';
export * from './providers/private-redis.js';
export * from './providers/schedule-workload.js';
export * from './providers/webhook-receiver.js';
export * from './service/api-client.js';
export * from './service/service-process.js';
