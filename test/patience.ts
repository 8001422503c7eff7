// How long a test may take before it counts as hung: none is about time, and a busy machine is slow.
import { jest } from '@jest/globals';

jest.setTimeout(120_000);
