// The browser the console is tested in: what it is called on each system, and where it is.
import { findExecutable } from '../libs/jobs/src/system-package.mjs';

/** First those of the package managers; the last two are what a person has on macOS. */
const NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

export const BROWSER = 'Chromium or Google Chrome';
export const BROWSER_PACKAGES = { apt: 'chromium', brew: 'google-chrome' };

/** @returns {string | undefined} the path of the executable */
export const findBrowser = () => NAMES.map((name) => findExecutable(name)).find((path) => path !== undefined);
