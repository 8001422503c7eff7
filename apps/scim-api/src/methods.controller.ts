// The methods a path does not serve are answered 405 with those it serves, and OPTIONS lists them (RFC 9110 section 15.5.6).
import { ScimError } from '@app/scim';
import { RequestMapping, RequestMethod, Res, type Type } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ScimController } from './scim-controller.js';

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Without HEAD, which Fastify answers wherever GET is answered. */
const all: readonly Method[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const reading: readonly Method[] = ['GET', 'HEAD'];

const ofType = (endpoint: string): [string, readonly Method[]][] => [
  [endpoint, [...reading, 'POST']],
  [`${endpoint}/.search`, ['POST']],
  [`${endpoint}/:id`, [...reading, 'PUT', 'PATCH', 'DELETE']],
];

const served: readonly (readonly [path: string, methods: readonly Method[]])[] = [
  ...['Users', 'Groups', 'Agents', 'AgenticApplications', 'AgenticIdentities'].flatMap(ofType),
  ['Bulk', ['POST']],
  ['.search', ['POST']],
  ['ServiceProviderConfig', reading],
  ['ResourceTypes', reading],
  ['ResourceTypes/:name', reading],
  ['Schemas', reading],
  ['Schemas/:urn', reading],
];

/** A controller of everything at a path that no other controller serves. */
function othersAt(path: string, methods: readonly Method[]): Type {
  const allow = [...methods, 'OPTIONS'].join(', ');

  @ScimController(path)
  class Others {}

  const answer = (method: Method | 'OPTIONS', handle: (reply: FastifyReply) => void): void => {
    Object.defineProperty(Others.prototype, method, { value: handle, configurable: true, writable: true });
    Res()(Others.prototype, method, 0);
    const descriptor = Object.getOwnPropertyDescriptor(Others.prototype, method) as PropertyDescriptor;
    RequestMapping({ path: '', method: RequestMethod[method] })(Others.prototype, method, descriptor);
  };
  answer('OPTIONS', (reply) => {
    reply.code(204).header('allow', allow).send();
  });
  for (const method of all.filter((one) => !methods.includes(one))) {
    answer(method, (reply) => {
      reply.header('allow', allow);
      throw new ScimError(405, 'This path does not serve the method: "Allow" lists those it serves.');
    });
  }
  return Others;
}

/** Of a resource type that an operator added. */
export const methodsOfType = (endpoint: string): Type[] =>
  ofType(endpoint).map(([path, methods]) => othersAt(path, methods));

/** One controller a path. */
export const methodsControllers: readonly Type[] = served.map(([path, methods]) => othersAt(path, methods));
