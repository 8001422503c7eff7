// What one option of the configuration is: its name, the values it takes and what holds when it is absent.
import { isIP } from 'node:net';

export interface Values<T> {
  /** Completes "Set NAME to ...". */
  readonly are: string;
  /** The value, or undefined when the text is not one of them. */
  readonly parse: (text: string) => T | undefined;
}

export interface Option<T> {
  /** Name of the environment variable. */
  readonly name: string;
  readonly values: Values<T & {}>;
  /** The default, written as it would be in the environment. */
  readonly fallback?: string;
  /** What holds when the option is absent and has no default. */
  readonly absent?: string;
  /** One sentence. */
  readonly doc: string;
}

export const setting = <T>(name: string, values: Values<T & {}>, fallback: string, doc: string): Option<T> => ({
  name,
  values,
  fallback,
  doc,
});

export const optional = <T>(
  name: string,
  values: Values<T & {}>,
  absent: string,
  doc: string,
): Option<T | undefined> => ({ name, values: values as Values<T & {}>, absent, doc });

const asWhole = (text: string, least: number, most: number): number | undefined => {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
};

export const wholeNumber = (least: number, most: number): Values<number> => ({
  are: `a whole number from ${least} to ${most}`,
  parse: (text) => asWhole(text, least, most),
});

export const fraction: Values<number> = {
  are: 'a number from 0 to 1',
  parse: (text) => (/^(0|1|0?\.\d{1,9}|0\.\d{1,9}|1\.0{1,9})$/.test(text) ? Number(text) : undefined),
};

export const flag: Values<boolean> = {
  are: '`true` or `false`',
  parse: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
};

export const oneOf = <const T extends string>(...words: readonly T[]): Values<T> => ({
  are: `one of ${words.map((word) => `\`${word}\``).join(', ')}`,
  parse: (text) => words.find((word) => word === text),
});

export const textLike = (are: string, pattern: RegExp): Values<string> => ({
  are,
  parse: (text) => (pattern.test(text) ? text : undefined),
});

/** Trimmed, without empty entries and duplicates; undefined when one entry is not a value. */
export const listOf = <T>(are: string, entry: (text: string) => (T & {}) | undefined): Values<readonly T[]> => ({
  are,
  parse: (text) => {
    const entries = text.split(',').map((part) => entry(part.trim()));
    return entries.includes(undefined) ? undefined : ([...new Set(entries)] as T[]);
  },
});

/** Like {@link listOf}, but what is written twice counts twice. */
export const wholeNumbers = (are: string, least: number, most: number): Values<readonly number[]> => ({
  are,
  parse: (text) => {
    const entries = text.split(',').map((part) => asWhole(part.trim(), least, most));
    return entries.includes(undefined) ? undefined : (entries as number[]);
  },
});

export const urlWith = (...schemes: readonly string[]): Values<string> => ({
  are: `a URL that starts with ${schemes.map((scheme) => `\`${scheme}://\``).join(' or ')}`,
  parse: (text) => (URL.canParse(text) && schemes.some((scheme) => text.startsWith(`${scheme}://`)) ? text : undefined),
});

/** An address block such as `10.0.0.0/8`. */
export function addressBlock(text: string): string | undefined {
  const [, address = '', bits = ''] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits) <= (family === 4 ? 32 : 128) ? text : undefined;
}

/** Exactly `length` bytes in canonical base64. */
export const base64Bytes = (length: number): Values<Buffer> => ({
  are: `${length} random bytes in base64, as made by \`openssl rand -base64 ${length}\``,
  parse: (text) => {
    const bytes = Buffer.from(text, 'base64');
    return bytes.length === length && bytes.toString('base64') === text ? bytes : undefined;
  },
});
