// The pieces the page is built of. `el` is the only place where elements are made, and texts become text nodes: whatever the
// service answers can never become markup.

/** @param {string} tag @param {object} attributes texts, or functions for `on...` @param {...any} children nodes or texts; undefined is left out */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== undefined));
  return element;
}

export const route = (...parts) => `#/${parts.map(encodeURIComponent).join('/')}`;
export const link = (text, ...parts) => el('a', { href: route(...parts) }, text);
export const time = (at) => at && el('time', { datetime: at }, at.replace('T', ' ').replace(/\.\d+Z$/, ' UTC'));
/** To the millisecond, where it is about how much lies between two times. */
export const instant = (at) => at && el('time', { datetime: at }, at.replace('T', ' ').replace('Z', ' UTC'));

/** Whom it is about, with a link to what happened to them. A name may be written in any direction. */
export const known = (ref) =>
  ref &&
  el(
    'a',
    { href: `${route('trail')}?${new URLSearchParams({ subject: ref.id })}` },
    ...(ref.name === undefined ? [ref.id] : [el('bdi', {}, ref.name), ` (${ref.id})`]),
  );

export function duration(seconds) {
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
    ['s', 1],
  ];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) return '0 s';
  let rest = seconds;
  const parts = units.slice(first, first + 2).map(([unit, size]) => {
    const n = Math.floor(rest / size);
    rest -= n * size;
    return `${n} ${unit}`;
  });
  return parts.join(' ');
}

/** @param {string} caption @param {string[]} columns @param {any[][]} rows */
export const table = (caption, columns, rows) =>
  el(
    'div',
    { class: 'scroll', role: 'region', 'aria-label': caption, tabindex: '0' },
    el(
      'table',
      {},
      el('caption', {}, rows.length === 0 ? `${caption}: none` : caption),
      el('thead', {}, el('tr', {}, ...columns.map((column) => el('th', { scope: 'col' }, column)))),
      el('tbody', {}, ...rows.map((cells) => el('tr', {}, ...cells.map((cell) => el('td', {}, cell ?? ''))))),
    ),
  );

export const facts = (pairs) =>
  el('dl', {}, ...pairs.filter(([, value]) => value).map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
