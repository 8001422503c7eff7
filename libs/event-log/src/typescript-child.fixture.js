// Preloaded by child processes of specs: resolves this workspace's names, so that node runs its TypeScript directly.
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const libs = new URL('../../', import.meta.url);

registerHooks({
  resolve(specifier, context, next) {
    const room = /^@app\/([a-z-]+)$/.exec(specifier);
    if (room !== null) return next(new URL(`${room[1]}/src/index.ts`, libs).href, context);
    if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL !== undefined) {
      const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
      if (existsSync(fileURLToPath(source))) return next(source.href, context);
    }
    return next(specifier, context);
  },
});
