// A person in front of the console: a real browser without a window, worked by what can be seen and reached in it.
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { BROWSER, findBrowser } from '../../scripts/browser.mjs';

/** How long anything may take to be seen: a busy machine is slow. */
const PATIENCE_MS = 15_000;

/** @throws when there is no browser on this machine: `npm test` installs one where it may */
export async function startBrowser(): Promise<BrowserContext> {
  const executablePath = findBrowser();
  if (executablePath === undefined) throw new Error(`${BROWSER} is missing: install it, then run the tests again.`);
  const browser = await chromium.launch({ executablePath });
  const context = await browser.newContext();
  context.setDefaultTimeout(PATIENCE_MS);
  return context;
}

/** Somebody who has opened the console in a tab of their own. */
export class Operator {
  /** What the browser complained about: errors of scripts, breaches of the policy, requests that failed. */
  readonly complaints: string[] = [];
  /** Every address that was visited or asked. */
  readonly addresses: string[] = [];

  private constructor(
    readonly page: Page,
    private readonly consoleUrl: string,
  ) {
    page.on('console', (message) => message.type() === 'error' && this.complaints.push(message.text()));
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('request', (request) => this.addresses.push(request.url()));
    page.on('framenavigated', (frame) => this.addresses.push(frame.url()));
  }

  /** Opens a tab, which knows nothing of the others. */
  static async sitsDown(browser: BrowserContext, consoleUrl: string): Promise<Operator> {
    const operator = new Operator(await browser.newPage(), consoleUrl);
    await operator.goTo('');
    return operator;
  }

  /** @param place after the `#`, such as `/parked` */
  async goTo(place: string): Promise<void> {
    await this.page.goto(`${this.consoleUrl}#${place}`);
  }

  async signIn(key: string): Promise<void> {
    await this.page.getByRole('textbox', { name: 'Key' }).fill(key);
    await this.press('Use key');
  }

  /** Presses the button of this name, the first one when there are more. */
  press(name: string | RegExp): Promise<void> {
    return this.page.getByRole('button', { name }).first().click();
  }

  follow(name: string | RegExp): Promise<void> {
    return this.page.getByRole('link', { name }).first().click();
  }

  /** Waits for a page by its heading. */
  async sees(heading: string | RegExp): Promise<void> {
    await this.page.getByRole('heading', { level: 1, name: heading }).waitFor();
  }

  /** Waits for a text in the main part. */
  async reads(text: string | RegExp): Promise<void> {
    await this.page.getByRole('main').getByText(text).first().waitFor();
  }

  /** Waits for what is said aloud to those who cannot see it. */
  async hears(role: 'status' | 'alert', text: string | RegExp): Promise<void> {
    await this.page.getByRole(role).filter({ hasText: text }).waitFor();
  }

  /** How many rows there are in the table, once there are this many. */
  async counts(rows: number): Promise<void> {
    await this.page.locator(`tbody:has(tr:nth-child(${rows}):last-child)`).waitFor();
  }

  /** What the field of this label holds. */
  field(label: string | RegExp) {
    return this.page.getByRole('textbox', { name: label });
  }

  /** Presses Tab until what has the focus is called this. @throws after sixty times */
  async tabTo(name: string | RegExp): Promise<void> {
    for (let pressed = 0; pressed < 60; pressed += 1) {
      await this.page.keyboard.press('Tab');
      if (new RegExp(name).test(await this.focus())) return;
    }
    throw new Error(`Tab does not reach ${name}`);
  }

  /** The name of what has the focus. */
  focus(): Promise<string> {
    return this.page.evaluate(
      `(({ ariaLabel, labels, textContent }) => ariaLabel ?? labels?.[0]?.textContent ?? textContent)(document.activeElement)`,
    );
  }

  /** Answers the next requests to addresses that contain `part` in the place of the service. */
  async interrupt(part: string, answer: { status: number; body?: unknown }): Promise<void> {
    await this.page.route(
      (url) => url.pathname.includes(part),
      (route) => route.fulfill({ status: answer.status, json: answer.body ?? {} }),
    );
  }

  /** Keeps requests to addresses that contain `part` from being sent. @returns sends them, and those to come */
  async holdBack(part: string): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    await this.page.route(
      (url) => url.pathname.includes(part),
      (route) => promise.then(() => route.continue()),
    );
    return resolve;
  }

  /** Texts with less contrast than 4.5 to what is behind them (WCAG 2.2, 1.4.3). */
  faintTexts(): Promise<string[]> {
    return this.page.evaluate(`(${faintTexts})()`);
  }

  /** For who provokes requests that fail, of which a browser complains by itself. */
  forgetProvoked(): void {
    const others = this.complaints.filter((complaint) => !complaint.startsWith('Failed to load resource'));
    this.complaints.splice(0, Infinity, ...others);
  }

  /** Whoever comes next in this tab finds it as a new one. */
  async leave(): Promise<void> {
    await this.page.unrouteAll();
    await this.page.evaluate('sessionStorage.clear()');
    await this.goTo('');
    await this.sees('Operator key');
  }
}

/** Runs in the page: colours are computed there. */
const faintTexts = `() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const linear = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const opaque = (colour) => colour.length === 3 || colour[3] === 1;
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (opaque(colour)) return colour;
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255];
  };
  const contrast = (element) => {
    const two = [channels(getComputedStyle(element).color), behind(element)].map(luminance);
    return (Math.max(...two) + 0.05) / (Math.min(...two) + 0.05);
  };
  const own = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
  return [...document.body.querySelectorAll('*')]
    .filter((element) => own(element) && element.checkVisibility() && contrast(element) < 4.5)
    .map((element) => element.textContent);
}`;
