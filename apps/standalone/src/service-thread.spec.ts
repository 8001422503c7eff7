import { MessageChannel } from 'node:worker_threads';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ServiceThread } from './service-thread.js';

type Said = { readonly kind: 'said'; readonly word: string };

const PORT = "import { parentPort, workerData } from 'node:worker_threads';";
const READY = "parentPort.postMessage({ kind: 'ready' });";
/** Lives until it is told to stop. */
const LIVES = `${PORT} parentPort.on('message', (message) => message === 'stop' && process.exit());`;

let thread: ServiceThread<Said>;
let errors: unknown[];
let words: string[];
const made = (code: string, startMs = 60_000) =>
  (thread = new ServiceThread<Said>({
    of: 'views',
    file: new URL(`data:text/javascript,${encodeURIComponent(code)}`),
    onNews: ({ word }) => words.push(word),
    onError: (error) => errors.push(error),
    given: () => ({ workerData: { word: 'mine' } }),
    startMs,
  }));

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  errors = [];
  words = [];
});
afterEach(() => thread.stop());

describe('the start of the thread', () => {
  it('ends when it is ready, with what it was given, and hands on what else it says', async () => {
    await made(`${LIVES} parentPort.postMessage({ kind: 'said', word: workerData.word }); ${READY}`).start();
    expect([words, errors]).toEqual([['mine'], []]);
  });

  it('is what a thread waits for that was loaded before', async () => {
    made(`${LIVES} parentPort.postMessage({ kind: 'said', word: 'loaded' });
      parentPort.once('message', (message) => { parentPort.postMessage({ kind: 'said', word: message }); ${READY} });`);
    thread.load();
    while (words.length === 0) await nextTurn();
    expect(words).toEqual(['loaded']);
    await thread.start();
    expect(words).toEqual(['loaded', 'start']);
  });

  it('fails when the thread ends without a word', async () => {
    await expect(made('process.exit(0)').start()).rejects.toThrow('the thread of the views ended before it was ready');
  });

  it('fails with what the thread died of', async () => {
    await expect(made("throw new Error('audit.db is no database')").start()).rejects.toThrow('audit.db is no database');
    expect(errors).toEqual([new Error('audit.db is no database')]);
  });

  it('fails when the thread says nothing, which is then ended', async () => {
    await expect(made('setInterval(() => undefined, 1000)', 1).start()).rejects.toThrow('is not ready within 1 ms');
  });
});

describe('a thread that dies', () => {
  it('is started again, and is told nothing meanwhile', async () => {
    const { port1, port2 } = new MessageChannel();
    await made(`${LIVES} ${READY}
      parentPort.on('message', ({ answer }) => {
        if (answer === undefined) return;
        answer.postMessage('dying');
        throw new Error('died');
      });`).start();
    expect(thread.tell({ answer: port2 }, [port2])).toBe(true);
    expect(await once(port1, 'message')).toEqual(['dying']);
    port1.close();
    while (thread.tell('still there?', [])) await nextTurn();
    while (!thread.tell('there again?', [])) await nextTurn();
    expect(errors).toEqual([new Error('died')]);
  });
});
