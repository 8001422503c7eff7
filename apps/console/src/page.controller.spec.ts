import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openConsole, type ConsoleWorld } from './console.fixture.js';

let world: ConsoleWorld;
beforeAll(async () => {
  world = await openConsole();
});
afterAll(() => world.close());

const get = (url: string) => world.app.inject({ method: 'GET', url });
const SCRIPTS = ['console', 'deeds', 'elements', 'lists', 'service'].map((name) => `/console/${name}.js`);
const PAGES = [
  ['/console', 'text/html'],
  ['/console/', 'text/html'],
  ...SCRIPTS.map((url) => [url, 'text/javascript'] as const),
  ['/console/console.css', 'text/css'],
] as const;
const codeOf = async (): Promise<string> => (await Promise.all(SCRIPTS.map(get))).map((file) => file.body).join('\n');

describe('the page', () => {
  it.each(PAGES)('is served without a token, and may load nothing but its own files: %s', async (url, type) => {
    const { statusCode, headers } = await get(url);
    expect([statusCode, headers['content-type']]).toEqual([200, `${type}; charset=utf-8`]);
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(headers['content-security-policy']).not.toMatch(/unsafe|\*|http/);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it.each([
    '/console/page.controller.ts',
    '/console/..%2fpage.controller.ts',
    '/console/%2e%2e/names.ts',
    '/console/x',
  ])('opens nothing else: %s', async (url) => {
    expect((await get(url)).statusCode).toBe(404);
  });

  it('has no inline script, style or handler, and names no other server', async () => {
    const html = (await get('/console')).body;
    expect(html).not.toMatch(/\son\w+=|style=|<style|javascript:|https?:|\/\/[a-z]/i);
    for (const [, source] of html.matchAll(/(?:src|href)="(\/[^"]*)"/g)) {
      expect((await get(source as string)).statusCode).toBe(200);
    }
    expect(html.match(/<script/g)).toHaveLength(1);
  });

  it('has no way to turn an answer into markup or code', async () => {
    const code = await codeOf();
    expect(code).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|srcdoc/);
    expect(code.match(/createElement/g)).toHaveLength(1);
    expect(code).not.toMatch(/localStorage|document\.cookie/);
  });

  it('labels every field, and says what changes to those who cannot see it', async () => {
    const html = (await get('/console')).body;
    for (const [, id] of html.matchAll(/<input[^>]*\bid="([^"]+)"/g)) expect(html).toContain(`<label for="${id}">`);
    expect(html).toContain('<html lang="en">');
    expect(html).toMatch(/role="status"[\s\S]*role="alert"/);
    expect(html).toMatch(/<a class="skip" href="#main">[\s\S]*<main id="main"/);
  });
});
