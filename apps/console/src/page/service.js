// Calls the service with the operator's key, which is kept for as long as the tab is open.

const KEY = 'operator-key';
export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

/** What the service says of keys is meant for programs. */
const OF_KEYS = {
  401: 'This key opens nothing: it is mistyped, or it was revoked.',
  403: "This key is not an operator's: use one that was issued for operators.",
};

/** The service said no; the message is for people. */
export class Refused extends Error {
  constructor(status, problem) {
    const why = (problem.errors ?? []).map(({ message }) => message).join('; ');
    const what = OF_KEYS[status] ?? problem.detail ?? `The service answered ${status}.`;
    super([what, why].filter(Boolean).join(' '));
    this.status = status;
  }
}

/** There was no answer: what was sent may have arrived all the same. */
export class Unreachable extends Error {
  constructor() {
    super('The service cannot be reached. Try again when it is back, or ask who runs it.');
  }
}

/** @returns the answer of a request that succeeded @throws Refused @throws Unreachable */
export async function call(path, options = {}) {
  // No other text can be sent in a header (RFC 6750 section 2.1).
  if (!/^[\x21-\x7e]+$/.test(key.get())) throw new Refused(401, {});
  const headers = { authorization: `Bearer ${key.get()}`, ...options.headers };
  const response = await fetch(path, { ...options, headers }).catch(() => {
    throw new Unreachable();
  });
  if (!response.ok) throw new Refused(response.status, await response.json().catch(() => ({})));
  return response;
}
export const read = async (path) => (await call(path)).json();
export const send = (path, body) =>
  call(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
