// Calls the service with the operator's key, which is kept for as long as the tab is open.

const KEY = 'operator-key';
export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

/** The service said no; the message is for people. */
export class Refused extends Error {
  constructor(status, problem) {
    const why = (problem.errors ?? []).map(({ message }) => message).join('; ');
    super([problem.detail ?? `The service answered ${status}.`, why].filter(Boolean).join(' '));
    this.status = status;
  }
}

/** @returns the answer of a request that succeeded @throws Refused */
export async function call(path, options = {}) {
  const headers = { authorization: `Bearer ${key.get()}`, ...options.headers };
  const response = await fetch(path, { ...options, headers });
  if (!response.ok) throw new Refused(response.status, await response.json().catch(() => ({})));
  return response;
}
export const read = async (path) => (await call(path)).json();
export const send = (path, body) =>
  call(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
