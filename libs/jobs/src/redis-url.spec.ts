import { describe, expect, it } from '@jest/globals';
import { InvalidRedisUrl, redisAddressOf } from './redis-url.js';

describe('the URL of a Redis', () => {
  it.each([
    ['redis://r.example', { host: 'r.example', port: 6379, db: 0 }],
    ['redis://127.0.0.1:6380/2', { host: '127.0.0.1', port: 6380, db: 2 }],
    ['redis://[::1]:6380', { host: '::1', port: 6380, db: 0 }],
    ['redis://:p%40ss@r.example/', { host: 'r.example', port: 6379, db: 0, password: 'p@ss' }],
    ['rediss://u:p@r.example/1', { host: 'r.example', port: 6379, db: 1, username: 'u', password: 'p', tls: {} }],
    ['redis://r.example?db=3&password=p', { host: 'r.example', port: 6379, db: 3, password: 'p' }],
    ['unix:///run/redis%20a.sock', { path: '/run/redis a.sock', db: 0 }],
    ['unix:///run/redis.sock?db=4&password=p', { path: '/run/redis.sock', db: 4, password: 'p' }],
  ])('says where to connect to: %s', (url, address) => {
    expect(redisAddressOf(url)).toEqual(address);
  });

  it.each([
    'canary',
    '/tmp/canary.sock',
    'https://canary.example',
    'redis+unix:///canary',
    'redis://',
    'redis:///canary',
    'redis:/tmp/canary',
    'redis://canary.example/db',
    'redis://canary.example?db=x',
    'redis://203.0.113.7?path=/canary.sock',
    'redis://203.0.113.7/?host=127.0.0.1&canary',
    'redis://203.0.113.7#canary',
    'redis://:%canary@r.example',
    'unix://canary/run/redis.sock',
    'unix:///canary.sock?sentinels=x',
  ])('is refused and not repeated: %s', (url) => {
    expect(() => redisAddressOf(url)).toThrow(InvalidRedisUrl);
    expect(() => redisAddressOf(url)).not.toThrow(/canary/);
  });
});
