// Every number the protocol engine enforces; ServiceProviderConfig states exactly these.

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
  bulkOperations: 100,
  bulkBytes: 2 * 1024 * 1024,
  /** Operations of one PATCH. */
  patchOperations: 1000,
  pageDefault: 200,
  pageMax: 1000,
  /** Seconds a cursor can be used after it was handed out. */
  cursorSeconds: 3600,
} as const;
