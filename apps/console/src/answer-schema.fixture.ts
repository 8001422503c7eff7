// Compares an answer with the schema that the OpenAPI document gives it.
import type { OpenAPIObject } from '@nestjs/swagger';

type Schema = Exclude<NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string], { $ref: string }>;
type SchemaOrRef = Schema | { readonly $ref: string };

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
  array: Array.isArray,
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

const FORMATS: Readonly<Record<string, RegExp>> = {
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  byte: /^[\w+/]+=*$/,
};

/** Where the value is not what the schema says, a property that the schema does not name included; empty: nowhere. */
export function mismatches(document: OpenAPIObject, schema: SchemaOrRef, value: unknown, at = '$'): string[] {
  if ('$ref' in schema) {
    const named = document.components?.schemas?.[schema.$ref.split('/').at(-1) ?? ''];
    return named === undefined ? [`${at}: no ${schema.$ref}`] : mismatches(document, named, value, at);
  }
  if (schema.allOf !== undefined) return schema.allOf.flatMap((one) => mismatches(document, one, value, at));
  if (schema.type === undefined || !TYPES[String(schema.type)]?.(value)) return [`${at}: no ${String(schema.type)}`];
  if (schema.enum !== undefined && !schema.enum.includes(value)) return [`${at}: not of the list`];
  if (schema.format !== undefined && FORMATS[schema.format]?.test(String(value)) !== true) {
    return [`${at}: no ${schema.format}`];
  }
  const { items } = schema;
  if (Array.isArray(value)) {
    return items === undefined ? [] : value.flatMap((one, i) => mismatches(document, items, one, `${at}[${i}]`));
  }
  return schema.type === 'object' ? inProperties(document, schema, value as Readonly<Record<string, unknown>>, at) : [];
}

function inProperties(
  document: OpenAPIObject,
  { properties = {}, required = [], additionalProperties }: Schema,
  value: Readonly<Record<string, unknown>>,
  at: string,
): string[] {
  const missing = required.filter((name) => !(name in value)).map((name) => `${at}.${name}: missing`);
  const wrong = Object.entries(value).flatMap(([name, one]) => {
    const schema = properties[name] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
    return schema === undefined ? [`${at}.${name}: not described`] : mismatches(document, schema, one, `${at}.${name}`);
  });
  return [...missing, ...wrong];
}
