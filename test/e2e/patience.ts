// A promise starts services, kills them and waits for retries: longer than a unit test, and bounded all the same.
import { jest } from '@jest/globals';

jest.setTimeout(120_000);
