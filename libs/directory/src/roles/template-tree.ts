// Reads a template into the part of Handlebars that is understood here; everything else is refused when it is read.
import Handlebars from 'handlebars';
import { InvalidPolicy } from '../directory.errors.js';

/** A value from a person's attributes, by its way from `this`, from a level above, or `@index` and the like. */
export interface Path {
  readonly kind: 'path';
  /** How many levels above. */
  readonly up: number;
  /** One of `index`, `key`, `first` and `last`, in place of a way. */
  readonly data: boolean;
  readonly parts: readonly string[];
}
export type Expression =
  | Path
  | { readonly kind: 'literal'; readonly value: string | number | boolean | undefined }
  | { readonly kind: 'call'; readonly helper: Helper; readonly parameters: readonly Expression[] };
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly expression: Expression }
  | {
      readonly kind: 'block';
      readonly block: Block;
      readonly subject: Expression;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

/** The helpers there are, each with its number of parameters. */
const HELPERS = { json: 1, split: 2, lower: 1, eq: 2 } as const;
export type Helper = keyof typeof HELPERS;
const BLOCKS = ['each', 'if', 'unless', 'with'] as const;
export type Block = (typeof BLOCKS)[number];
const DATA = new Set(['index', 'key', 'first', 'last']);

export const MAX_TEMPLATE = 2_000;
const MAX_NODES = 200;
const MAX_DEPTH = 8;

type Ast = hbs.AST.Node & Readonly<Record<string, unknown>>;

/** @throws InvalidPolicy with a sentence that says what is not understood */
export function readTemplate(text: string): readonly Node[] {
  if (text.length > MAX_TEMPLATE) throw new InvalidPolicy(`A template has at most ${MAX_TEMPLATE} characters.`);
  return new TemplateReader().program(parsed(text), 0);
}

function parsed(text: string): hbs.AST.Program {
  try {
    return Handlebars.parse(text);
  } catch (error) {
    // What Handlebars says repeats the template.
    const line = /line (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    const where = line === undefined ? '' : ` near line ${line}`;
    throw new InvalidPolicy(`The template cannot be parsed${where}: check its braces and that every block is closed.`);
  }
}

class TemplateReader {
  private nodes = 0;

  program(program: hbs.AST.Program | undefined, depth: number): Node[] {
    if (program === undefined || program === null) return [];
    if (depth > MAX_DEPTH) throw new InvalidPolicy(`The blocks of a template are nested at most ${MAX_DEPTH} deep.`);
    if ((program.blockParams ?? []).length > 0) throw refused('block parameters ("as |name|")');
    return program.body.flatMap((statement) => this.statement(statement as Ast, depth));
  }

  private statement(statement: Ast, depth: number): Node[] {
    this.count();
    switch (statement.type) {
      case 'CommentStatement':
        return [];
      case 'ContentStatement':
        return [{ kind: 'text', text: (statement as unknown as hbs.AST.ContentStatement).value }];
      case 'MustacheStatement':
        return [{ kind: 'value', expression: this.callOrPath(statement as unknown as hbs.AST.MustacheStatement) }];
      case 'BlockStatement':
        return [this.block(statement as unknown as hbs.AST.BlockStatement, depth)];
      default:
        throw refused('partials and decorators');
    }
  }

  private block({ path, params, hash, program, inverse }: hbs.AST.BlockStatement, depth: number): Node {
    const block = BLOCKS.find((known) => known === (path as hbs.AST.PathExpression).original);
    const [subject] = params;
    if (block === undefined || subject === undefined || params.length > 1) {
      throw new InvalidPolicy(`The blocks of a template are ${BLOCKS.join(', ')}, each with one parameter.`);
    }
    if (hash !== undefined && hash !== null) throw refused('named parameters');
    return {
      kind: 'block',
      block,
      subject: this.expression(subject as Ast),
      body: this.program(program, depth + 1),
      otherwise: this.program(inverse, depth + 1),
    };
  }

  private callOrPath({ path, params, hash }: Pick<hbs.AST.MustacheStatement, 'path' | 'params' | 'hash'>): Expression {
    if (hash !== undefined && hash !== null) throw refused('named parameters');
    if (params.length === 0) return this.expression(path as Ast);
    const name = (path as hbs.AST.PathExpression).original;
    const helper = (Object.keys(HELPERS) as Helper[]).find((known) => known === name);
    if (helper === undefined || params.length !== HELPERS[helper]) {
      const known = Object.entries(HELPERS).map(([one, count]) => `${one} (${count})`);
      throw new InvalidPolicy(`The helpers of a template are ${known.join(', ')}, with that many parameters.`);
    }
    return { kind: 'call', helper, parameters: params.map((one) => this.expression(one as Ast)) };
  }

  private expression(expression: Ast): Expression {
    this.count();
    switch (expression.type) {
      case 'PathExpression':
        return pathOf(expression as unknown as hbs.AST.PathExpression);
      case 'SubExpression':
        return this.callOrPath(expression as unknown as hbs.AST.SubExpression);
      case 'StringLiteral':
      case 'NumberLiteral':
      case 'BooleanLiteral':
        return { kind: 'literal', value: expression['value'] as string | number | boolean };
      case 'NullLiteral':
      case 'UndefinedLiteral':
        return { kind: 'literal', value: undefined };
      default:
        throw refused('expressions of this kind');
    }
  }

  private count(): void {
    this.nodes += 1;
    if (this.nodes > MAX_NODES) throw new InvalidPolicy(`A template has at most ${MAX_NODES} parts.`);
  }
}

function pathOf({ data, depth, parts }: hbs.AST.PathExpression): Path {
  const names = parts.map((part) => {
    if (typeof part !== 'string') throw refused('expressions of this kind');
    return part;
  });
  if (data && !(names.length === 1 && DATA.has(names[0] as string))) {
    throw new InvalidPolicy('Of the values that begin with "@" a template has @index, @key, @first and @last.');
  }
  return { kind: 'path', up: depth, data, parts: names };
}

const refused = (what: string): InvalidPolicy => new InvalidPolicy(`Templates here have no ${what}.`);
