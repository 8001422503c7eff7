import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '@app/testkit';
import type { BrowserContext } from 'playwright-core';
import { Operator, startBrowser } from './browser.js';
import { Leavers } from './leavers.js';
import { expectStatus, Scenario, type TargetDetail } from './scenario.js';

const HOSTILE = '<img src=x onerror="window.taken=1"><a href="javascript:window.taken=1">me</a>';

let scenario: Scenario;
let leavers: Leavers;
let browser: BrowserContext;
let operator: Operator;

beforeAll(async () => {
  [scenario, browser] = await Promise.all([Scenario.start(), startBrowser()]);
  leavers = await Leavers.of(scenario);
  operator = await Operator.sitsDown(browser, scenario.service.consoleUrl);
});
afterEach(async () => {
  const complaints = operator.complaints.splice(0);
  await operator.leave();
  expect(complaints).toEqual([]);
});
afterAll(async () => {
  await browser.browser()?.close();
  await scenario.stop();
  await leavers.stop();
});

async function signIn(place: string, key = scenario.keys.apiKey): Promise<void> {
  await operator.goTo(place);
  await operator.signIn(key);
}

it('lets nobody in without a key of an operator, and says so in words of the page', async () => {
  for (const [key, message] of [
    ['no-such-key', /This key opens nothing/],
    ['“pasted from a letter”', /This key opens nothing/],
    [scenario.keys.scimToken, /This key is not an operator's/],
  ] as const) {
    await operator.signIn(key);
    await operator.hears('alert', message);
    expect(await operator.page.getByRole('alert').allTextContents()).not.toContainEqual(expect.stringContaining(key));
    expect(await operator.focus()).toBe('Key');
    expect(await operator.page.evaluate('sessionStorage.length')).toBe(0);
  }
  expect(await operator.page.getByRole('main').textContent()).toBe('');
  operator.forgetProvoked();
});

it('keeps the key in its tab and out of every address, and forgets it on demand', async () => {
  await signIn('/parked');
  await operator.sees('Parked revocations');
  await operator.follow('Cascades');
  await operator.sees('Cascades');
  await operator.page.reload();
  await operator.sees('Cascades');
  expect(operator.addresses.filter((address) => address.includes(scenario.keys.apiKey))).toEqual([]);
  expect(await operator.page.evaluate('[localStorage.length, document.cookie, window.name]')).toEqual([0, '', '']);

  await operator.press('Forget key');
  await operator.sees('Operator key');
  await operator.hears('status', 'The key was forgotten.');
  expect(await operator.page.title()).toBe('Revocations');
  await operator.page.goBack();
  await operator.sees('Operator key');
  expect(await operator.page.evaluate('sessionStorage.length')).toBe(0);
  expect(await operator.page.locator('main, #summary').allTextContents()).toEqual(['', '']);
});

it('lists what has not ended page by page, and keeps filter and place over going back and a reload', async () => {
  const { id } = await leavers.leave('Grace Hopper', 53);
  await signIn('/pending');
  await operator.field('Person or agent').fill(id);
  await operator.field('Class of failure').fill('permanent');
  await operator.page.keyboard.press('Enter');
  await operator.counts(50);
  await operator.reads('permanent: the provider refuses the request');
  await operator.follow('Next page');
  await operator.counts(3);
  await operator.page.reload();
  await operator.counts(3);
  expect(await operator.field('Person or agent').inputValue()).toBe(id);
  await operator.page.goBack();
  await operator.counts(50);
  await operator.page.goForward();
  await operator.counts(3);
  await operator.follow('First page');
  await operator.counts(50);
  await operator.field('Class of failure').fill('timeout');
  await operator.press('Filter');
  await operator.reads('Pending revocations: none');

  await operator.page.goBack();
  await operator.press(/^Waive/);
  await operator.page.goBack();
  await operator.counts(3);
  expect(await operator.page.getByRole('dialog').count()).toBe(0);
});

it('shows a cascade with its targets, their grades, and its times to the millisecond', async () => {
  const { cascadeId, targets } = await leavers.leave('Ada Lovelace', 2, 1);
  const detail = expectStatus(await scenario.api.get<Record<string, string>>(`/cascades/${cascadeId}`), 200);
  await signIn('/cascades');
  await operator.follow(cascadeId);
  await operator.sees(`Cascade ${cascadeId}`);
  await operator.reads('2 parked, 1 verified');
  await operator.reads('verified, grade A');
  await operator.counts(targets.length);
  const facts = await operator.page.locator('dl').textContent();
  for (const name of ['t0', 't1', 't2', 't3', 't4'] as const) {
    expect(facts).toContain(`(${name.toUpperCase()})${detail[name]?.replace('T', ' ').replace('Z', ' UTC')}`);
  }
});

it('retries a parked revocation once, however often it is told to, and shows on demand that it ended', async () => {
  const { targets } = await leavers.leave('Bob Retried', 1);
  const targetId = targets[0]?.targetId as string;
  await signIn(`/revocation/${targetId}`);
  await operator.press(/^Retry/);
  await operator.field('Reason').fill('the client was mended');
  leavers.mend();
  const send = await operator.holdBack('/retry');
  await operator.page.keyboard.press('Enter');
  await operator.page.keyboard.press('Enter');
  send();
  await operator.hears('status', `Retry of ${targetId} was recorded.`);
  expect(operator.addresses.filter((address) => address.endsWith('/retry'))).toHaveLength(1);
  await eventually('it has ended', async () => {
    const answer = await scenario.api.get<TargetDetail>(`/revocations/${targetId}`);
    return answer.body.grade === 'A' ? true : undefined;
  });
  await operator.press('Refresh');
  await operator.reads('verified, grade A');
  expect(await operator.focus()).toBe('Refresh');
  await operator.reads('the client was mended');
});

it('waives only with a reason and a name, once, whoever else has it open', async () => {
  const { targets } = await leavers.leave('Carol Waived', 1);
  const targetId = targets[0]?.targetId as string;
  await signIn(`/revocation/${targetId}`);
  const late = await Operator.sitsDown(browser, scenario.service.consoleUrl);
  await late.goTo(`/revocation/${targetId}`);
  await late.signIn(scenario.keys.apiKey);
  for (const one of [operator, late]) await one.press(/^Waive/);

  await operator.press('Record');
  expect(await operator.focus()).toMatch('Reason');
  await operator.field('Reason').fill('   ');
  await operator.press('Record');
  expect(await operator.focus()).toBe('Your name');
  await operator.field('Your name').fill(HOSTILE);
  await operator.press('Record');
  await operator.hears('alert', 'reason must be one line that is not blank');
  await operator.field('Reason').fill('javascript:window.taken=1');
  await operator.press('Record');
  await operator.hears('status', `Waive of ${targetId} was recorded.`);
  await operator.reads('waived, grade W');
  await operator.reads(HOSTILE);

  await late.field('Reason').fill('me too');
  await late.field('Your name').fill('Late');
  await late.press('Record');
  await late.hears('alert', 'This revocation has ended: there is nothing to retry or to waive.');
  await late.reads('waived, grade W');
  expect(await late.page.getByRole('dialog').count()).toBe(0);
  operator.forgetProvoked();
  // A tab behind another one is slow.
  await late.page.close();
});

it('leads from a person to their trail', async () => {
  const { id } = await leavers.leave('Dora Traced', 1);
  await signIn(`/parked?subject=${id}`);
  await operator.follow('Dora Traced');
  await operator.sees('Trail');
  await operator.reads('Dora Traced was deactivated: every gate denies from here on.');
  expect(await operator.field('Person').inputValue()).toBe(id);
});

it('gives evidence that verifies offline', async () => {
  const { cascadeId } = await leavers.leave('Erin Proved', 1, 1);
  await signIn(`/cascade/${cascadeId}`);
  await operator.sees(/^Cascade/);
  const [download] = await Promise.all([operator.page.waitForEvent('download'), operator.press('Download evidence')]);
  await operator.hears('status', 'The evidence was downloaded');
  expect(download.suggestedFilename()).toBe(`evidence-${cascadeId}.zip`);
  const vkey = await scenario.api.get<string>('/checkpoint/vkey');
  const verifier = join('libs', 'audit', 'src', 'verifier', 'verify.mjs');
  const args = [verifier, await download.path(), '--vkey', vkey.body.trim()];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, expect.stringContaining('VERIFIED')]);
});

it('shows hostile names as text, and runs nothing of them', async () => {
  const { id, cascadeId, targets } = await leavers.leave(HOSTILE, 1);
  await signIn(`/pending?subject=${id}`);
  for (const place of [
    `/pending?subject=${id}`,
    `/revocation/${targets[0]?.targetId}`,
    `/cascades?person=${id}`,
    `/cascade/${cascadeId}`,
    `/trail?subject=${id}`,
    `/${encodeURIComponent(HOSTILE)}`,
  ]) {
    await operator.goTo(place);
    await operator.reads(place.startsWith('/%') ? 'There is no such page' : HOSTILE);
  }
  const foreign = 'document.querySelectorAll("img, main a:not([href^=\'#\'])").length';
  expect(await operator.page.evaluate(`[window.taken, ${foreign}]`)).toEqual([undefined, 0]);
});

it('is worked by the keyboard alone', async () => {
  const { id } = await leavers.leave('Frank Keyboard', 1);
  await operator.goTo(`/parked?subject=${id}`);
  const { keyboard } = operator.page;
  await keyboard.type(scenario.keys.apiKey);
  await keyboard.press('Enter');
  await operator.counts(1);
  expect(await operator.focus()).toBe('Parked revocations');
  await operator.tabTo('^Waive');
  await keyboard.press('Enter');
  expect(await operator.focus()).toMatch('Reason');
  await keyboard.press('Escape');
  expect(await operator.focus()).toMatch(/^Waive/);
  await keyboard.press('Enter');
  await keyboard.type('no such client any more');
  await operator.tabTo('^Your name$');
  await keyboard.type('Frank');
  await operator.tabTo('^Record$');
  await keyboard.press('Enter');
  await operator.hears('status', 'was recorded');
  await operator.reads('Parked revocations: none');
  expect(await operator.focus()).toBe('Parked revocations');
  await operator.tabTo('^Forget key$');
  await keyboard.press('Enter');
  await operator.sees('Operator key');
});

it('says that the service is away or refuses, shows nothing older under a new name, and tries again on demand', async () => {
  await signIn('/cascades');
  await operator.sees('Cascades');
  const answer = await operator.holdBack('/v1/revocations');
  await operator.follow('Parked');
  await operator.page.locator('main[aria-busy=true]').waitFor();
  answer();
  await operator.sees('Parked revocations');
  await browser.setOffline(true);
  await operator.follow('Ended');
  await operator.hears('alert', 'The service cannot be reached');
  await operator.sees('This page could not be shown');
  expect(await operator.page.getByRole('table').count()).toBe(0);
  await browser.setOffline(false);
  await operator.press('Try again');
  await operator.sees('Ended revocations');
  expect(await operator.page.getByRole('alert').allTextContents()).toEqual(['']);

  await operator.interrupt('/v1/revocations', { status: 503, body: { detail: 'The database cannot be reached.' } });
  await operator.follow('Failed');
  await operator.hears('alert', 'The database cannot be reached.');
  await operator.interrupt('/v1/summary', { status: 429 });
  await operator.follow('Providers');
  await operator.hears('alert', 'The service answered 429.');
  await operator.page.unrouteAll();
  await operator.press('Try again');
  await operator.sees('Providers');
  operator.forgetProvoked();
});

it('keeps what was typed when a waiver could not be sent', async () => {
  const { targets } = await leavers.leave('Gina Interrupted', 1);
  await signIn(`/revocation/${targets[0]?.targetId}`);
  await operator.press(/^Waive/);
  await operator.field('Reason').fill('long thought about');
  await operator.field('Your name').fill('Gina');
  await browser.setOffline(true);
  await operator.press('Record');
  await operator.hears('alert', 'The service cannot be reached');
  expect(await operator.field('Reason').inputValue()).toBe('long thought about');
  await browser.setOffline(false);
  await operator.press('Record');
  await operator.reads('waived, grade W');
  operator.forgetProvoked();
});

it('asks for another key when its own is revoked meanwhile, and then shows where it was', async () => {
  const issued = await scenario.api.post<{ id: string; token: string }>('/keys', { roles: ['operator'] });
  const key = expectStatus(issued, 201);
  await signIn('/cascades', key.token);
  await operator.sees('Cascades');
  expectStatus(await scenario.api.delete(`/keys/${key.id}`), 204);
  await operator.follow('Ended');
  await operator.hears('alert', 'This key opens nothing');
  await operator.sees('Operator key');
  expect(await operator.page.getByRole('table').count()).toBe(0);
  await operator.signIn(scenario.keys.apiKey);
  await operator.sees('Ended revocations');
  operator.forgetProvoked();
});

it('fits a narrow window: only tables scroll sideways', async () => {
  await signIn('/cascades');
  await operator.page.setViewportSize({ width: 360, height: 740 });
  await operator.sees('Cascades');
  expect((await operator.page.getByRole('banner').boundingBox())?.height).toBeLessThan(200);
  expect(await operator.page.evaluate('document.documentElement.scrollWidth')).toBe(360);
});

it.each(['light', 'dark'] as const)('can be read in %s, and names every field and page', async (colorScheme) => {
  await operator.page.emulateMedia({ colorScheme });
  await operator.signIn('no-such-key');
  await operator.hears('alert', /./);
  expect(await operator.faintTexts()).toEqual([]);
  await signIn('/pending');
  await operator.sees('Pending revocations');
  expect(await operator.faintTexts()).toEqual([]);
  expect(await operator.page.getByRole('heading', { level: 1 }).count()).toBe(1);
  const fields = await operator.page.getByRole('main').getByRole('textbox').count();
  expect(await operator.page.getByRole('main').locator('label').getByRole('textbox').count()).toBe(fields);
  operator.forgetProvoked();
});
