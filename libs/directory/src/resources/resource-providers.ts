// Everything that answers for resources of an operator's own types, for the module of the directory.
import type { Provider } from '@nestjs/common';
import { FindResourceHandler, ListResourcesHandler, ResourceViews } from './resource-queries.handlers.js';
import {
  ChangeResourceHandler,
  CreateResourceHandler,
  DeleteResourceHandler,
  UniqueValues,
} from './resource.handlers.js';

export const resourceProviders: readonly Provider[] = [
  CreateResourceHandler,
  ChangeResourceHandler,
  DeleteResourceHandler,
  FindResourceHandler,
  ListResourcesHandler,
  ResourceViews,
  UniqueValues,
];
