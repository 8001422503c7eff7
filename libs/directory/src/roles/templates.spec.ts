import { describe, expect, it } from '@jest/globals';
import { InvalidPolicy } from '../directory.errors.js';
import { namesFrom, ReadingBudget, TemplateTooCostly } from './templates.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const ada = {
  userName: 'ada@example.com',
  title: 'Lead, Engineer',
  active: true,
  level: 0,
  tags: ['Red', 'Blue', 'Red'],
  // Entra ID sends an app role as JSON inside a text.
  roles: [{ value: '{"id":"1","value":"Admin","displayName":"Administrators"}' }, { value: '{"value":"Reader"}' }],
  [ENTERPRISE]: { department: 'Engineering' },
};

describe('a template makes names of', () => {
  it.each([
    ['an attribute', '{{userName}}', ['ada@example.com']],
    ['an attribute of an extension', `{{[${ENTERPRISE}].department}}`, ['Engineering']],
    ['JSON inside a text', '{{#each roles}}{{#with (json value)}}{{value}}\n{{/with}}{{/each}}', ['Admin', 'Reader']],
    ['a list, each once', '{{#each tags}}{{this}}\n{{/each}}', ['Red', 'Blue']],
    ['parts of a text', '{{#each (split title ", ")}}{{lower this}}\n{{/each}}', ['lead', 'engineer']],
    ['what a condition chooses', '{{#if (eq userName "ada@example.com")}}yes{{else}}no{{/if}}', ['yes']],
    ['the other case', '{{#unless active}}gone{{else if title}}there{{/unless}}', ['there']],
    ['positions and levels above', '{{#each tags}}{{#if @first}}{{../userName}}{{/if}}{{/each}}', ['ada@example.com']],
    ['one element', '{{tags.[1]}} {{tags.[0]}}', ['Blue Red']],
    ['text alone, without markup', 'a <b>\n{{! not this }}{{{userName}}}', ['a <b>', 'ada@example.com']],
    ['zero, which is a value', '{{level}}', ['0']],
    ['nothing where nothing is', '{{none.at.all}}{{#each none}}x{{/each}}{{json title}}{{split none ","}}', []],
    ['nothing of what is no text', '{{tags}}{{roles.[0]}}', []],
  ])('%s', (_, template, names) => {
    expect(namesFrom(template, ada)).toEqual(names);
  });

  it('nothing that only a prototype has', () => {
    for (const path of [
      'constructor.name',
      '__proto__.constructor.name',
      'tags.length',
      'userName.length',
      'toString',
    ]) {
      expect(namesFrom(`{{${path}}}`, ada)).toEqual([]);
      expect(namesFrom(`{{#with tags}}{{${path}}}{{/with}}`, ada)).toEqual([]);
    }
    expect(namesFrom('{{__proto__.x}}{{a.__proto__.x}}', JSON.parse('{"a":{"__proto__":{"x":"own"}}}'))).toEqual([
      'own',
    ]);
  });
});

describe('a template is refused', () => {
  it.each([
    ['a block that is not closed', '{{#each tags}}'],
    ['braces that do not match', '{{userName}'],
    ['a partial', '{{> other}}'],
    ['an inline partial', '{{#*inline "x"}}{{/inline}}'],
    ['a decorator', '{{* decorate}}'],
    ['a helper there is none of', '{{lookup tags 1}}'],
    ['a helper of Handlebars that writes logs', '{{log "x"}}{{#log x}}{{/log}}'],
    ['a helper with too few parameters', '{{eq userName}}'],
    ['a block of another name', '{{#tags}}{{this}}{{/tags}}'],
    ['a block without a parameter', '{{#each}}{{/each}}'],
    ['named parameters', '{{#if x includeZero=true}}{{/if}}'],
    ['block parameters', '{{#each tags as |tag|}}{{tag}}{{/each}}'],
    ['values that begin with "@" of other names', '{{@root.userName}}'],
    ['its length', 'x'.repeat(2_001)],
    ['the number of its parts', '{{a}}'.repeat(150)],
    ['the depth of its blocks', `${'{{#if a}}'.repeat(10)}${'{{/if}}'.repeat(10)}`],
  ])('for %s, without repeating it', (_, template) => {
    expect(() => namesFrom(template, ada)).toThrow(InvalidPolicy);
    expect(() => namesFrom(template, ada)).not.toThrow(/tags|userName|includeZero|lookup/);
  });
});

describe('a person whose data is too much for a template', () => {
  const many = { list: Array.from({ length: 400 }, (_, n) => `name ${n}`) };

  it.each([
    ['lists in lists', '{{#each list}}{{#each ../list}}{{/each}}{{/each}}'],
    ['a long output', '{{#each list}}{{this}}{{this}}{{this}}{{this}}{{/each}}'],
    ['many names', '{{#each list}}{{this}}\n{{/each}}'],
  ])('is answered at once: %s', (_, template) => {
    expect(() => namesFrom(template, many)).toThrow(TemplateTooCostly);
  });

  it('gives nothing for JSON that is too long', () => {
    expect(namesFrom('{{#with (json text)}}{{a}}{{/with}}', { text: `{"a":"${'x'.repeat(20_000)}"}` })).toEqual([]);
  });

  const text = 'x'.repeat(900_000);
  const commas = ','.repeat(900_000);
  const json = `[${'1,'.repeat(9_000)}1]`;
  const list = Array.from({ length: 1_000 }, () => 1);

  it.each([
    ['splits', '{{#if (split commas ",")}}{{/if}}', /at most 5000 parts/],
    ['splits at what is not there', '{{#each list}}{{split ../text ","}}{{/each}}', /at most 2000000 characters/],
    ['changes letters', '{{#each list}}{{#if (lower ../text)}}{{/if}}{{/each}}', /at most 2000000 characters/],
    ['reads JSON', '{{#each list}}{{json ../json}}{{/each}}', /at most 2000000 characters/],
    ['compares', '{{#each list}}{{#if (eq ../text "x")}}{{/if}}{{/each}}', /at most 2000000 characters/],
    ['lists entries', '{{#each entries}}{{/each}}', /at most 2000000 characters/],
  ])('is told so where it %s', (_, template, message) => {
    const entries = Object.fromEntries(Array.from({ length: 300_000 }, (__, n) => [`k${n}`, n]));
    expect(() => namesFrom(template, { text, commas, json, list, entries })).toThrow(message);
  });

  it('gives nothing by any of the templates that come after', () => {
    const budget = new ReadingBudget();
    expect(namesFrom('{{#if (lower text)}}a{{/if}}', { text }, budget)).toEqual(['a']);
    expect(namesFrom('{{#if (lower text)}}b{{/if}}', { text }, budget)).toEqual(['b']);
    expect(() => namesFrom('{{#if (lower text)}}c{{/if}}', { text }, budget)).toThrow(TemplateTooCostly);
    expect(() => namesFrom('{{lower text}}', { text: 'short' }, budget)).toThrow(TemplateTooCostly);
  });
});
