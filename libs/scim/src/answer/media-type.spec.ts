import { expect, it } from '@jest/globals';
import { acceptedType } from './media-type.js';

it.each([
  [undefined, 'application/scim+json'],
  ['', 'application/scim+json'],
  ['*/*', 'application/scim+json'],
  ['application/scim+json', 'application/scim+json'],
  ['application/json, application/scim+json;q=0.1', 'application/scim+json'],
  ['application/json;charset=utf-8', 'application/json'],
  ['text/html, application/*;q=0.5', 'application/scim+json'],
  ['application/scim+json;q=0, application/json', 'application/json'],
  ['application/xml', undefined],
  ['text/html;q=1, image/*', undefined],
  ['application/json;q=0, application/scim+json;q=0, */*', undefined],
  ['*/*;q=0', undefined],
])('an answer to "Accept: %s" is %s', (header, expected) => {
  expect(acceptedType(header)).toBe(expected);
});
