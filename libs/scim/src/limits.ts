// The limits of the protocol, as ServiceProviderConfig states them. Those of bytes and of cursors are the host's to enforce:
// the engine is given what was parsed already.

export const limits = {
  /** Characters of a filter expression. */
  filterLength: 4096,
  /** Nesting of groups, `not` and value paths in a filter. */
  filterDepth: 32,
  /** Comparisons in one filter. */
  filterTerms: 64,
  /** Nesting of objects and arrays in a request body. */
  jsonDepth: 32,
  /** Bytes of a request body other than a bulk request. */
  bodyBytes: 1024 * 1024,
  /** Bytes of a resource as JSON, without its members: sealed, it must fit into an event of 256 KiB. */
  resourceBytes: 190 * 1024,
  /** Agents that join or leave an application in one write: each is decided on its own stream. */
  agentsPerWrite: 1000,
  bulkOperations: 100,
  bulkBytes: 2 * 1024 * 1024,
  /** Operations of one PATCH. */
  patchOperations: 1000,
  /** Values that the operations of one PATCH compare, times the terms of the filters they are selected by. */
  patchComparisons: 1_000_000,
  pageDefault: 200,
  pageMax: 1000,
  /** Seconds a cursor can be used after it was handed out. */
  cursorSeconds: 3600,
} as const;
