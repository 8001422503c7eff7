// Checks that package-lock.json lists every optional package, so that `npm ci` works on every platform.
import { readFileSync } from 'node:fs';
import { main, say } from './setup.mjs';

await main(() => {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !isListed(packages, path, name))
      .map((name) => `${path} wants ${name}`),
  );
  for (const line of missing) say(line);
  if (missing.length > 0) say('package-lock.json lacks packages of other platforms: pin a release that has them all.');
  return missing.length > 0 ? 1 : 0;
});

/** Looks where Node would: in the package's own node_modules, then in those of the folders above it. */
function isListed(packages, path, name) {
  for (let folder = path; ; folder = folder.slice(0, Math.max(folder.lastIndexOf('/node_modules/'), 0))) {
    if (`${folder}${folder === '' ? '' : '/'}node_modules/${name}` in packages) return true;
    if (folder === '') return false;
  }
}
