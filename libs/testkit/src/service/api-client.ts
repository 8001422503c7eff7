// A plain JSON client for one door of the service: SCIM, platform or operator.

export interface ApiAnswer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined when there was no body. */
  readonly body: T;
  /** ms from sending to the last byte. */
  readonly ms: number;
}

export class ApiClient {
  constructor(
    private readonly baseUrl: string,
    private readonly token: string,
    private readonly contentType = 'application/json',
  ) {}

  get<T = Record<string, unknown>>(path: string): Promise<ApiAnswer<T>> {
    return this.send('GET', path);
  }
  post<T = Record<string, unknown>>(
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<ApiAnswer<T>> {
    return this.send('POST', path, body, headers);
  }
  put<T = Record<string, unknown>>(path: string, body: unknown): Promise<ApiAnswer<T>> {
    return this.send('PUT', path, body);
  }
  patch<T = Record<string, unknown>>(
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<ApiAnswer<T>> {
    return this.send('PATCH', path, body, headers);
  }
  delete<T = Record<string, unknown>>(path: string): Promise<ApiAnswer<T>> {
    return this.send('DELETE', path);
  }

  async send<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer<T>> {
    const started = performance.now();
    const answer = await fetch(`${this.baseUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': this.contentType }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isJson = (answer.headers.get('content-type') ?? '').includes('json');
    return {
      status: answer.status,
      headers: answer.headers,
      body: (isJson && text !== '' ? JSON.parse(text) : text === '' ? undefined : text) as T,
      ms: performance.now() - started,
    };
  }
}

/**
 * Asks until `found` gives an answer, every `everyMs`.
 * @throws after `timeoutMs`, naming what was waited for
 */
export async function eventually<T>(
  what: string,
  found: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 30_000,
  everyMs = 20,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await found();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
