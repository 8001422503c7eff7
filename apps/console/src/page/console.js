// The operators' page: lists of what has not ended, a cascade or a revocation with its history, and retry and waive.
import { ask, DEEDS, withdraw } from './deeds.js';
import { duration, el, facts, instant, known, link, route, table, time } from './elements.js';
import { filter, pager, place } from './lists.js';
import { call, key, read } from './service.js';

const $ = (id) => document.getElementById(id);
const LISTS = {
  pending: ['Pending revocations', 'Everything that has not ended, in whatever state; the oldest first.'],
  failed: ['Failed revocations', 'The last attempt failed; the next comes by itself.'],
  parked: ['Parked revocations', 'The regular attempts are over: these wait for somebody to look.'],
  settled: ['Ended revocations', 'A verified dead, B acknowledged, C expired, W waived.'],
};

const actions = ({ targetId, settled }) =>
  settled
    ? undefined
    : Object.entries(DEEDS).map(([deed, [title]]) =>
        el(
          'button',
          { type: 'button', 'aria-label': `${title} ${targetId}`, onclick: () => ask(deed, targetId, show) },
          title,
        ),
      );

// --- pages: each answers the nodes of the main part, a heading first

const targetTable = (caption, items) =>
  table(
    caption,
    ['Revocation', 'Person', 'Agent', 'Provider', 'What', 'State', 'Attempts', 'Why', 'Planned', 'Next', 'Do'],
    items.map((target) => [
      link(target.targetId, 'revocation', target.targetId),
      known(target.user),
      known(target.agent),
      target.providerId,
      `${target.kind} ${target.holdingId}`,
      stateOf(target),
      String(target.attempts),
      why(target),
      time(target.plannedAt),
      time(target.nextAt),
      actions(target),
    ]),
  );

const stateOf = ({ state, grade, settled }) => (settled ? `${state}, grade ${grade}` : state);
const why = ({ lastClass, lastReason }) => [lastClass, lastReason].filter(Boolean).join(': ');

async function listPage(state, query) {
  const [title, meaning] = LISTS[state];
  const { items, next } = await read(`/v1/revocations?${new URLSearchParams([['state', state], ...query])}`);
  const fields = { provider: 'Provider', subject: 'Person or agent (id)', class: 'Class of failure' };
  return [el('h1', {}, title), el('p', {}, meaning), filter(fields), targetTable(title, items), pager(next)];
}

async function cascadesPage(_, query) {
  const { items, next } = await read(`/v1/cascades?${query}`);
  const rows = items.map((one) => [
    link(one.cascadeId, 'cascade', one.cascadeId),
    [`${one.subject.type} `, known(one.subject)],
    one.causeType,
    one.status,
    `${one.settledCount} of ${one.targetCount}`,
    time(one.startedAt),
    time(one.completedAt),
  ]);
  const columns = ['Cascade', 'Whom it is about', 'Cause', 'Status', 'Ended', 'Started', 'Completed'];
  const fields = { status: 'Status', person: 'Person (id)', provider: 'Provider' };
  return [el('h1', {}, 'Cascades'), filter(fields), table('Cascades', columns, rows), pager(next)];
}

async function cascadePage(id, query) {
  const one = await read(`/v1/cascades/${encodeURIComponent(id)}?${query}`);
  const counts = Object.entries(one.counts).filter(([, n]) => n > 0);
  const times = [
    ['Request received (T0)', one.t0],
    ['Denied (T1)', one.t1],
    ['First attempt (T2)', one.t2],
    ['Last acknowledged (T3)', one.t3],
    ['Last verified (T4)', one.t4],
    ['Completed', one.completedAt],
  ];
  return [
    el('h1', {}, `Cascade ${one.cascadeId}`),
    facts([
      ['Whom it is about', [`${one.subject.type} `, known(one.subject)]],
      ['Cause', `${one.causeType} (event ${one.causeEventId})`],
      ['Status', one.status],
      ['Revocations', counts.map(([state, n]) => `${n} ${state}`).join(', ') || 'nothing was held'],
      ...times.map(([name, at]) => [name, instant(at)]),
    ]),
    el('button', { type: 'button', onclick: () => download(one.cascadeId) }, 'Download evidence'),
    ' ',
    el('a', { href: `#/trail?cascade=${encodeURIComponent(id)}` }, 'Trail of this cascade'),
    targetTable('Revocations of this cascade', one.targets.items),
    pager(one.targets.next),
  ];
}

async function download(cascadeId) {
  try {
    const response = await call(`/v1/evidence?type=cascade&id=${encodeURIComponent(cascadeId)}`);
    const href = URL.createObjectURL(await response.blob());
    el('a', { href, download: `evidence-${cascadeId}.zip` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
    $('status').textContent = 'The evidence was downloaded: verify it with the verify.mjs inside.';
  } catch (error) {
    $('error').textContent = error.message;
  }
}

const history = (caption, lines) =>
  table(
    caption,
    ['No.', 'When', 'What', 'Who'],
    lines.map((line) => [String(line.seq), time(line.at), line.sentence, line.actor]),
  );

async function revocationPage(id) {
  const one = await read(`/v1/revocations/${encodeURIComponent(id)}`);
  return [
    el('h1', {}, `Revocation ${one.targetId}`),
    facts([
      ['State', stateOf(one)],
      ['What', `${one.kind} ${one.holdingId} at ${one.providerId}`],
      ['Person', known(one.user)],
      ['Agent', known(one.agent)],
      ['Cascade', link(one.cascadeId, 'cascade', one.cascadeId)],
      ['Attempts', String(one.attempts)],
      ['Why', why(one)],
      ['Planned', time(one.plannedAt)],
      ['Next attempt', time(one.nextAt)],
    ]),
    el('p', {}, actions(one)),
    history('History, the newest first', one.history),
  ];
}

async function trailPage(_, query) {
  const { items, next } = await read(`/v1/trail?${query}`);
  const fields = { subject: 'Person, agent, group (id)', cascade: 'Cascade', target: 'Revocation' };
  return [el('h1', {}, 'Trail'), filter(fields), history('Events, the newest first', items), pager(next)];
}

async function lanesPage() {
  const { items } = await read('/v1/lanes');
  const state = (lane) => (lane.broken ? 'refuses our own credentials: one attempt at a time' : 'working');
  const rows = items.map((lane) => [lane.providerId, state(lane), String(lane.inFlight), time(lane.pausedUntil)]);
  return [
    el('h1', {}, 'Providers'),
    table('Providers with work', ['Provider', 'State', 'Under way', 'Paused until'], rows),
  ];
}

const PAGES = {
  cascades: cascadesPage,
  cascade: cascadePage,
  revocation: revocationPage,
  trail: trailPage,
  lanes: lanesPage,
};

// --- showing them

async function summary() {
  const s = await read('/v1/summary');
  const numbers = [
    ['Pending', s.pending],
    ['Failed', s.failed],
    ['Parked', s.parked],
    ['Open cascades', s.openCascades],
    ['Oldest', duration(s.oldestAgeSeconds)],
    ...(s.unplannedDenies === 0
      ? []
      : [
          ['Denies not yet planned', s.unplannedDenies],
          ['Oldest of them', duration(s.oldestUnplannedAgeSeconds)],
        ]),
  ];
  return numbers.map(([name, value]) => el('p', {}, el('strong', {}, String(value)), name));
}

/** Shows in the menu where we are. */
function mark(name) {
  for (const anchor of document.querySelectorAll('nav a')) {
    if (anchor.hash === route(name)) anchor.setAttribute('aria-current', 'page');
    else anchor.removeAttribute('aria-current');
  }
}

let turn = 0;

/**
 * Shows what the address names. A slower answer to an earlier address is dropped.
 * @param {{ announcement?: string, stay?: boolean }} options `stay` leaves the focus where it is
 */
async function show({ announcement = '', stay = false } = {}) {
  const mine = ++turn;
  const hasKey = key.get() !== null;
  $('key').hidden = hasKey;
  for (const id of ['refresh', 'forget']) $(id).hidden = !hasKey;
  $('error').textContent = '';
  $('status').textContent = announcement;
  if (!hasKey) return leave();
  $('main').setAttribute('aria-busy', 'true');
  try {
    const { path, query } = place();
    const [name = 'pending', id] = path[0] === '' ? [] : path;
    mark(name);
    const page = pageOf(name)(id, query);
    const [content, numbers] = await Promise.all([page, summary()]);
    if (mine !== turn) return;
    fill(content, numbers);
  } catch (error) {
    if (mine !== turn) return;
    await fail(error);
  }
  if (!stay && key.get() !== null) $('main').querySelector('h1').focus();
}

/** Without numbers there is no summary. */
function fill(content, numbers = []) {
  $('summary').hidden = numbers.length === 0;
  $('summary').replaceChildren(...numbers);
  $('main').removeAttribute('aria-busy');
  $('main').replaceChildren(...content.filter((node) => node !== undefined));
  const heading = $('main').querySelector('h1');
  document.title = heading === null ? 'Revocations' : `${heading.textContent} - Revocations`;
  heading?.setAttribute('tabindex', '-1');
}

/** What was shown before does not stay: it would stand under the name of another page. */
async function fail(error) {
  if (error.status === 401 || error.status === 403) {
    key.forget();
    await show();
  } else {
    const again = el('button', { type: 'button', onclick: () => show() }, 'Try again');
    fill([el('h1', {}, 'This page could not be shown'), again]);
  }
  $('error').textContent = error.message;
}

function pageOf(name) {
  if (Object.hasOwn(LISTS, name)) return (_, query) => listPage(name, query);
  return Object.hasOwn(PAGES, name) ? PAGES[name] : async () => [el('h1', {}, 'There is no such page')];
}

function leave() {
  fill([]);
  $('key-value').focus();
}

$('key').addEventListener('submit', (event) => {
  event.preventDefault();
  key.set($('key-value').value.trim());
  $('key').reset();
  void show();
});
$('refresh').addEventListener('click', () => {
  const now = new Date().toISOString().slice(11, 19);
  void show({ announcement: `As of ${now} UTC.`, stay: true });
});
$('forget').addEventListener('click', () => {
  key.forget();
  void show({ announcement: 'The key was forgotten.' });
});
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  $('main').focus();
});
addEventListener('hashchange', () => {
  withdraw();
  void show();
});
void show();
