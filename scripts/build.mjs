// Installs what is missing and builds what is stale.
import { main, prepare } from './setup.mjs';

await main(async () => {
  await prepare();
  return 0;
});
