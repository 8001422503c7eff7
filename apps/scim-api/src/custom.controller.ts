// The routes of the resource types that an operator added: those of every resource type, at endpoints known at the start.
import type { CustomTypes } from '@app/scim';
import type { Type } from '@nestjs/common';
import { Endpoints } from './endpoints.js';
import { methodsOfType } from './methods.controller.js';
import { ResourceController } from './resource.controller.js';
import { ScimController } from './scim-controller.js';

/** Each serves the tenants that have the type, and tells others that there is nothing. */
export function customControllers(types: CustomTypes): Type[] {
  const paths = new Map([...types.values()].flat().map(({ name, endpoint }) => [endpoint.slice(1), name]));
  return [...paths].flatMap(([path, name]) => [routesOf(path, name), ...methodsOfType(path)]);
}

function routesOf(path: string, name: string): Type {
  @ScimController(path)
  class CustomController extends ResourceController {
    constructor(endpoints: Endpoints) {
      super(endpoints.custom(name));
    }
  }
  return CustomController;
}
