// Lists keep their filters and their place in the address, so that going back and sharing a link work.
import { el, route } from './elements.js';

/** Where the address points: the parts of its path, and its parameters. */
export function place() {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  return { path: path.split('/').map(decodeURIComponent), query: new URLSearchParams(query) };
}

/** Links to the first and the next page of what is shown now. */
export function pager(next) {
  const { path, query } = place();
  const page = (cursor) => {
    const changed = new URLSearchParams(query);
    changed.delete('cursor');
    if (cursor !== undefined) changed.set('cursor', cursor);
    return `${route(...path)}?${changed}`;
  };
  return el(
    'p',
    {},
    query.has('cursor') ? el('a', { href: page() }, 'First page') : undefined,
    ' ',
    next === undefined ? undefined : el('a', { href: page(next), rel: 'next' }, 'Next page'),
  );
}

/** @param {Record<string, string>} fields labels by parameter */
export function filter(fields) {
  const { path, query } = place();
  const inputs = Object.entries(fields).map(([name, label]) =>
    el('label', {}, `${label} `, el('input', { name, value: query.get(name) ?? '', autocomplete: 'off' })),
  );
  const onsubmit = (event) => {
    event.preventDefault();
    const given = [...new FormData(event.target)].filter(([, value]) => value.trim() !== '');
    location.hash = `${route(...path)}?${new URLSearchParams(given.map(([name, value]) => [name, value.trim()]))}`;
  };
  return el('form', { class: 'filter', role: 'search', onsubmit }, ...inputs, el('button', {}, 'Filter'));
}
