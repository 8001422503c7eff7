// Renders templates over a person's attributes: no code is generated, nothing but own values is read, everything is capped.
import { LRUCache } from 'lru-cache';
import { readTemplate, type Expression, type Helper, type Node, type Path } from './template-tree.js';

/** Rendering one template for one person. */
const MAX_STEPS = 10_000;
const MAX_OUTPUT = 10_000;
const MAX_NAMES = 200;
const MAX_JSON = 20_000;

/** A person's data made the template do too much: nobody gets a role by it. The message says which cap was met. */
export class TemplateTooCostly extends Error {
  override readonly name = 'TemplateTooCostly';
}

const read = new LRUCache<string, readonly Node[]>({ max: 1_000 });

/**
 * The names that a template makes of a person's attributes: the lines of its output that are not empty, each once.
 * @throws InvalidPolicy when the template is not understood, TemplateTooCostly
 */
export function namesFrom(template: string, attributes: Readonly<Record<string, unknown>>): string[] {
  let nodes = read.get(template);
  if (nodes === undefined) read.set(template, (nodes = readTemplate(template)));
  const output = new Rendering().render(nodes, [{ value: attributes }]);
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
      const items = itemsOf(value);
      if (items.length === 0) return this.render(node.otherwise, levels);
      return items
        .map((item) => {
          this.step();
          return this.render(node.body, [...levels, item]);
        })
        .join('');
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
        return parsedJson(first);
      case 'split':
        return typeof first === 'string' && typeof second === 'string' && second !== ''
          ? first.split(second)
          : undefined;
      case 'lower':
        return typeof first === 'string' ? first.toLowerCase() : undefined;
      case 'eq':
        return first === second;
    }
  }

  private step(): void {
    this.steps += 1;
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

function itemsOf(value: unknown): Level[] {
  if (typeof value !== 'object' || value === null) return [];
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
function parsedJson(text: unknown): unknown {
  if (typeof text !== 'string' || text.length > MAX_JSON) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
