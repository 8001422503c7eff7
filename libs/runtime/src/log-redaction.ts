// Takes out of a log line what must never be in one: values under telling keys, and credentials inside texts.

const REDACTED = '[redacted]';
const DEEPEST = 8;

/** Both are compared with a key in lower case without separators. */
const SECRET_KEY =
  /authorization|cookie|token|secret|passw(or)?d|passphrase|apikey|privatekey|vaultkey|rootkey|assertion|plaintext|(database|redis|eventstore)url/;
const ABOUT_A_SECRET = /(ids?|type|kind|count|fingerprint|expiresat|endpoint)$/;

/** Credentials that a driver or a provider may have put into a sentence. */
const CREDENTIALS_IN_TEXT: ReadonlyArray<readonly [pattern: RegExp, replacement: string]> = [
  [/:\/\/[^\s/@]*@/g, `://${REDACTED}@`],
  [/\b(bearer|basic) +[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  [/([?&][\w-]*(?:token|secret|password|key|code|assertion)=)[^&\s"']+/gi, `$1${REDACTED}`],
];

function isSecretKey(key: string): boolean {
  const plain = key.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  return SECRET_KEY.test(plain) && !ABOUT_A_SECRET.test(plain);
}

function textWithoutSecrets(text: string): string {
  let clean = text;
  for (const [pattern, replacement] of CREDENTIALS_IN_TEXT) clean = clean.replace(pattern, replacement);
  return clean;
}

/** Name, message, code and stack. Whatever else drivers hang on their errors (URLs, headers, parameters) is left out. */
function errorRecord(error: Error): Record<string, unknown> {
  const { code } = error as { code?: unknown };
  return {
    name: textWithoutSecrets(String(error.name)),
    message: textWithoutSecrets(String(error.message)),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(typeof error.stack === 'string' ? { stack: textWithoutSecrets(error.stack) } : {}),
  };
}

/** A copy that is safe to log: plain values only, at most eight levels deep, every object once. Never throws. */
export function withoutSecrets(value: unknown): unknown {
  try {
    return clean(value, 0, new Set());
  } catch {
    return '[unreadable]';
  }
}

function clean(value: unknown, depth: number, seen: Set<object>): unknown {
  if (typeof value === 'string') return textWithoutSecrets(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return errorRecord(value);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return '[bytes]';
  if (seen.has(value)) return '[repeated]';
  if (depth === DEEPEST) return '[deeper]';
  seen.add(value);
  if (Array.isArray(value)) return value.map((entry) => clean(entry, depth + 1, seen));
  if (value instanceof Map) return clean(Object.fromEntries(value), depth + 1, seen);
  if (value instanceof Set) return clean([...value], depth + 1, seen);
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') return clean(toJSON.call(value), depth + 1, seen);
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, isSecretKey(key) ? REDACTED : clean(entry, depth + 1, seen)]),
  );
}
