// Whatever is logged, by whichever way, no planted secret reaches a line.
import { describe, expect, it } from '@jest/globals';
import { createLogger, type Logger } from './logger.js';
import { NestLogger } from './nest-logger.js';

const CANARY = 'canary-7f3a91';

function captured(): { logger: Logger; nest: NestLogger; lines: () => Record<string, unknown>[]; text: () => string } {
  const written: string[] = [];
  const logger = createLogger({ level: 'trace', destination: { write: (line: string) => void written.push(line) } });
  return {
    logger,
    nest: new NestLogger(logger),
    lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>),
    text: () => written.join(''),
  };
}

class DriverError extends Error {
  override readonly name = 'DriverError';
  readonly code = 'ECONNREFUSED';
  readonly config = { url: `redis://:${CANARY}@redis`, headers: { authorization: CANARY } };
}

describe('the logger', () => {
  it.each([
    'authorization',
    'Authorization',
    'Proxy-Authorization',
    'cookie',
    'set-cookie',
    'token',
    'tokens',
    'accessToken',
    'refresh_token',
    'token_hash',
    'tokenJson',
    'secret',
    'clientSecret',
    'client_secret',
    'password',
    'dbPasswd',
    'x-api-key',
    'privateKey',
    'vaultKey',
    'VAULT_KEY',
    'client_assertion',
    'DATABASE_URL',
    'redisUrl',
    'plaintext',
  ])('never writes what is under the key %s, at any depth', (key) => {
    const { logger, text, lines } = captured();
    logger.info({ [key]: CANARY }, 'flat');
    logger.info({ a: { b: [{ c: { d: { [key]: { value: CANARY } } } }] } }, 'deep');
    logger.info({ map: new Map([[key, CANARY]]), own: { toJSON: () => ({ [key]: CANARY }) } }, 'other');
    logger.info('%o and %j', { [key]: CANARY }, { [key]: [CANARY] });
    logger
      .child({ [key]: CANARY })
      .child({ inner: { [key]: CANARY } })
      .info('child');
    expect(lines()).toHaveLength(5);
    expect(text()).not.toContain(CANARY);
  });

  it('keeps ids, counts and fingerprints of secrets', () => {
    const { logger, lines } = captured();
    const record = { secretId: 's1', tokenIds: ['t1'], token_type: 'bearer', tokenFingerprint: 'f', secrets_count: 3 };
    logger.info(record, 'kept');
    expect(lines()[0]).toMatchObject(record);
  });

  it('takes credentials out of texts', () => {
    const { logger, text, lines } = captured();
    logger.warn(`cannot reach postgres://cascade:${CANARY}@db/cascade`);
    logger.warn({ header: `Authorization: Bearer ${CANARY}` }, 'sent');
    logger.warn('called %s', `https://provider/revoke?a=1&access_token=${CANARY}`);
    logger.warn({ url: new URL(`https://user:${CANARY}@provider/`) }, 'url');
    expect(text()).not.toContain(CANARY);
    expect(lines()[0]?.['msg']).toBe('cannot reach postgres://[redacted]@db/cascade');
  });

  it('keeps name, message, code and stack of an error and nothing else', () => {
    const { logger, text, lines } = captured();
    const error = new DriverError(`connect to redis://:${CANARY}@redis failed`, { cause: { token: CANARY } });
    logger.error(error);
    logger.error({ err: error, again: [error] }, 'wrapped');
    expect(text()).not.toContain(CANARY);
    const [first, second] = lines();
    const kept = {
      name: 'DriverError',
      message: 'connect to redis://[redacted]@redis failed',
      code: 'ECONNREFUSED',
      stack: expect.stringContaining('logger.spec'),
    };
    expect(first).toMatchObject({ level: 'error', msg: kept.message });
    expect(first?.['err']).toEqual(kept);
    expect(second?.['again']).toEqual([kept]);
  });

  it('writes one line for anything, however odd', () => {
    const { logger, lines } = captured();
    const circular: Record<string, unknown> = { big: 1n, bytes: Buffer.from(CANARY), run: () => 1, nothing: null };
    circular['self'] = circular;
    logger.info(circular, 'circular');
    logger.info(
      {
        get broken(): string {
          throw new Error('no');
        },
      },
      'broken',
    );
    let deep: unknown = 'bottom';
    for (let i = 0; i < 50; i++) deep = { deep };
    logger.info({ deep }, 'deep');
    expect(lines()).toHaveLength(3);
    expect(lines()[0]).toMatchObject({ big: '1', bytes: '[bytes]', self: '[repeated]', nothing: null });
  });

  it('stays below its level', () => {
    const written: string[] = [];
    const destination = { write: (line: string) => void written.push(line) };
    createLogger({ level: 'warn', destination }).info('quiet');
    createLogger({ level: 'silent', destination }).fatal('silent');
    expect(written).toEqual([]);
  });
});

describe('the logger of Nest', () => {
  it('writes each level with the context that Nest names', () => {
    const { nest, lines } = captured();
    nest.log('started at 100%d', 'Worker');
    nest.warn('careful', { path: '/x' }, 'Router');
    nest.debug('d');
    nest.verbose('v');
    nest.fatal('f');
    expect(lines()).toMatchObject([
      { level: 'info', msg: 'started at 100%d', context: 'Worker' },
      { level: 'warn', msg: 'careful', context: 'Router', details: [{ path: '/x' }] },
      { level: 'debug', msg: 'd' },
      { level: 'trace', msg: 'v' },
      { level: 'fatal', msg: 'f' },
    ]);
  });

  it('writes fields and a text as the logger itself does: an error among them is found where errors are looked for', () => {
    const { nest, lines, text } = captured();
    const error = new DriverError(`redis://:${CANARY}@redis is lost`);
    nest.error({ err: error, where: 'sweep' }, 'the engine failed', 'worker');
    expect(lines()).toEqual([expect.objectContaining({ msg: 'the engine failed', context: 'worker', where: 'sweep' })]);
    expect(lines()[0]).toMatchObject({ level: 'error', err: { name: 'DriverError', code: 'ECONNREFUSED' } });
    expect(text()).not.toContain(CANARY);
  });

  it('recognises errors and stacks', () => {
    const { nest, lines, text } = captured();
    const error = new DriverError('lost');
    nest.error(error, 'ExceptionsHandler');
    nest.error('it failed', error.stack, 'Worker');
    nest.error({ token: CANARY, at: 'start' });
    expect(lines()).toMatchObject([
      { msg: 'lost', context: 'ExceptionsHandler', err: { name: 'DriverError', code: 'ECONNREFUSED' } },
      { msg: 'it failed', context: 'Worker', stack: error.stack },
      { message: { token: '[redacted]', at: 'start' } },
    ]);
    expect(text()).not.toContain(CANARY);
  });
});
