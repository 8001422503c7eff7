// Renders templates over a person's attributes: no code is generated, nothing but own values is read, everything is capped.
import { LRUCache } from 'lru-cache';
import { readTemplate, type Expression, type Helper, type Node, type Path } from './template-tree.js';

/** Rendering one template for one person. */
const MAX_STEPS = 10_000;
const MAX_OUTPUT = 10_000;
const MAX_NAMES = 200;
const MAX_JSON = 20_000;

/** What all templates together may read of one person, in characters: some 30 ms of work at the most. */
const MAX_READ = 2_000_000;
const MAX_PARTS = 5_000;
/** Characters that an entry of a list or a part of a text counts for: it is made, not only read. */
const ENTRY_COST = 10;

/** A person's data made the template do too much: nobody gets a role by it. The message says which cap was met. */
export class TemplateTooCostly extends Error {
  override readonly name = 'TemplateTooCostly';
}

/** What helpers and lists have read of one person: shared by all templates that are rendered for them at once. */
export class ReadingBudget {
  private left = MAX_READ;

  /**
   * @param characters about to be read
   * @throws TemplateTooCostly from the first time on that they are more than what is left
   */
  spend(characters: number): void {
    this.left -= characters;
    this.mustHaveSome();
  }

  /** @throws TemplateTooCostly when more was asked for than there was */
  mustHaveSome(): void {
    if (this.left < 0) {
      throw new TemplateTooCostly(`The templates of a mapping read at most ${MAX_READ} characters of a person.`);
    }
  }
}

const read = new LRUCache<string, readonly Node[]>({ max: 1_000 });

/**
 * The names that a template makes of a person's attributes: the lines of its output that are not empty, each once.
 * @throws InvalidPolicy when the template is not understood, TemplateTooCostly
 */
export function namesFrom(
  template: string,
  attributes: Readonly<Record<string, unknown>>,
  budget = new ReadingBudget(),
): string[] {
  budget.mustHaveSome();
  let nodes = read.get(template);
  if (nodes === undefined) read.set(template, (nodes = readTemplate(template)));
  const output = new Rendering(budget).render(nodes, [{ value: attributes }]);
  const names = new Set(
    output
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  );
  if (names.size > MAX_NAMES) throw new TemplateTooCostly(`A template gives at most ${MAX_NAMES} names.`);
  return [...names];
}

/** `this` on one level, and where an iteration stands. */
interface Level {
  readonly value: unknown;
  readonly data?: Readonly<Record<string, unknown>>;
}

class Rendering {
  private steps = 0;
  private length = 0;

  constructor(private readonly budget: ReadingBudget) {}

  /** @param levels innermost last */
  render(nodes: readonly Node[], levels: readonly Level[]): string {
    return nodes.map((node) => this.node(node, levels)).join('');
  }

  private node(node: Node, levels: readonly Level[]): string {
    this.step();
    switch (node.kind) {
      case 'text':
        return this.written(node.text);
      case 'value':
        return this.written(textOf(this.evaluate(node.expression, levels)));
      case 'block':
        return this.block(node, levels);
    }
  }

  private block(node: Node & { kind: 'block' }, levels: readonly Level[]): string {
    const value = this.evaluate(node.subject, levels);
    const holds = isTrue(value);
    if (node.block === 'each') {
      const items = this.items(value);
      if (items.length === 0) return this.render(node.otherwise, levels);
      return items.map((item) => this.render(node.body, [...levels, item])).join('');
    }
    if (node.block === 'with' && holds) return this.render(node.body, [...levels, { value }]);
    return this.render(holds === (node.block !== 'unless') ? node.body : node.otherwise, levels);
  }

  private evaluate(expression: Expression, levels: readonly Level[]): unknown {
    this.step();
    switch (expression.kind) {
      case 'literal':
        return expression.value;
      case 'path':
        return valueAt(expression, levels);
      case 'call':
        return this.call(
          expression.helper,
          expression.parameters.map((one) => this.evaluate(one, levels)),
        );
    }
  }

  private call(helper: Helper, [first, second]: readonly unknown[]): unknown {
    switch (helper) {
      case 'json':
        return typeof first === 'string' && first.length <= MAX_JSON ? parsedJson(this.reading(first)) : undefined;
      case 'split':
        return typeof first === 'string' && typeof second === 'string' && second !== ''
          ? this.parts(first, second)
          : undefined;
      case 'lower':
        return typeof first === 'string' ? this.reading(first).toLowerCase() : undefined;
      case 'eq':
        return typeof first === 'string' ? this.reading(first) === second : first === second;
    }
  }

  private reading(text: string): string {
    this.budget.spend(text.length);
    return text;
  }

  private parts(text: string, separator: string): string[] {
    const parts = this.reading(text).split(separator, MAX_PARTS + 1);
    if (parts.length > MAX_PARTS)
      throw new TemplateTooCostly(`A template splits a text into at most ${MAX_PARTS} parts.`);
    this.budget.spend(parts.length * ENTRY_COST);
    return parts;
  }

  private items(value: unknown): Level[] {
    if (typeof value !== 'object' || value === null) return [];
    const { length } = Array.isArray(value) ? value : Object.keys(value);
    this.budget.spend(length * ENTRY_COST);
    this.step(length);
    return itemsOf(value);
  }

  private step(count = 1): void {
    this.steps += count;
    if (this.steps > MAX_STEPS) throw new TemplateTooCostly(`A template does at most ${MAX_STEPS} steps for a person.`);
  }

  private written(text: string): string {
    this.length += text.length;
    if (this.length > MAX_OUTPUT) throw new TemplateTooCostly(`A template makes at most ${MAX_OUTPUT} characters.`);
    return text;
  }
}

function valueAt({ up, data, parts }: Path, levels: readonly Level[]): unknown {
  const level = levels[levels.length - 1 - up];
  let value = data ? level?.data : level?.value;
  for (const part of parts) value = ownValue(value, part) as typeof value;
  return value;
}

/** Elements of lists and own properties of objects; nothing that a prototype has. */
function ownValue(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  if (Array.isArray(value) && !/^\d+$/.test(name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

function itemsOf(value: object): Level[] {
  const entries = Object.entries(value);
  return entries.map(([key, item], index) => ({
    value: item,
    data: { index, key: Array.isArray(value) ? index : key, first: index === 0, last: index === entries.length - 1 },
  }));
}

const isTrue = (value: unknown): boolean => (Array.isArray(value) ? value.length > 0 : Boolean(value));

const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';

/** JSON inside a text, as Entra ID sends roles; undefined when it is none. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
