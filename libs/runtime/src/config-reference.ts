// Writes the reference of the configuration from the table of options.
import { options } from './config.js';
import type { Option } from './option.js';

const cell = (text: string): string => text.replaceAll('|', '\\|');

function row(option: Option<unknown>): string {
  const { name, values, fallback, absent = '', doc } = option;
  const otherwise = fallback === undefined ? absent : `\`${fallback}\``;
  return `| \`${name}\` | ${cell(doc)} | ${cell(values.are)} | ${cell(otherwise)} |`;
}

/** The whole text of docs/configuration.md. */
export function configReference(): string {
  return [
    '# Configuration',
    '',
    'Made from the table in `libs/runtime/src/config.ts`; change it there.',
    '',
    'Every option is an environment variable. One that is absent or empty has its default. A process that finds a problem',
    'lists all problems at once and does not start. Values are never repeated in messages or logs.',
    '',
    '| option | what it says | values | default |',
    '| --- | --- | --- | --- |',
    ...Object.values(options).map((option) => row(option as Option<unknown>)),
    '',
  ].join('\n');
}
