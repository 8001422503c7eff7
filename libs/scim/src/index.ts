export * from './answer/body.js';
export { acceptedType } from './answer/media-type.js';
export type { Projection } from './answer/projection.js';
export * from './answer/discovery.js';
export { runBulk, type BulkOutcome, type BulkPorts } from './bulk.js';
export {
  parseBulkRequest,
  type BulkMethod,
  type BulkOperation,
  type BulkRequest,
  type SentOperation,
} from './bulk-request.js';
export * from './change-set.js';
export * from './errors.js';
export { compileFilter, type FilterOptions, type FilterSubject } from './filter/compile.js';
export * from './filter/equality.js';
export * from './filter/filter.js';
export { parseFilter } from './filter/parse.js';
export * from './filter/print.js';
export { foldCase } from './fold-case.js';
export * from './limits.js';
export {
  parseListQuery,
  parseSearchRequest,
  readProjection,
  type ListOptions,
  type ListParameters,
  type ListQuery,
} from './query.js';
export type { Order, SortKey } from './sort.js';
export { quirkSentences, type QuirkName } from './quirks.js';
export * from './schema/agent-schema.js';
export * from './schema/custom-extensions.js';
export * from './schema/custom-types.js';
export * from './schema/definition.js';
export * from './schema/group-schema.js';
export * from './schema/registry.js';
export type { Attribute, Extension, ResourceType } from './schema/resource-type.js';
export * from './schema/user-schema.js';
export { memberSet } from './write/members.js';
export { membersToShow } from './write/patch-members.js';
export { patchChangeSet, type PatchOptions } from './write/patch.js';
export { patchOpSchema } from './write/patch-request.js';
export { replaceChangeSet } from './write/replace.js';
export { parseResource, type ParsedResource, type WriteOptions } from './write/resource.js';
