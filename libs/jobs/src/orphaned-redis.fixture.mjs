// A process that launches a private Redis, prints its URL and waits to be killed. Argument: the directory of the data.
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
