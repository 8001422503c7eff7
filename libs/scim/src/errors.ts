// What a client did wrong, in the words and status codes of RFC 7644 section 3.12.

export const errorSchema = 'urn:ietf:params:scim:api:messages:2.0:Error';

/** The status of each scimType: RFC 7644 table 9, and RFC 9865 section 2.1 for the last three; 413 for tooMany is ours. */
export const statusOfScimType = {
  invalidFilter: 400,
  tooMany: 413,
  uniqueness: 409,
  mutability: 400,
  invalidSyntax: 400,
  invalidPath: 400,
  noTarget: 400,
  invalidValue: 400,
  invalidVers: 400,
  sensitive: 403,
  invalidCursor: 400,
  expiredCursor: 400,
  invalidCount: 400,
} as const;

export type ScimType = keyof typeof statusOfScimType;

/** The body of an error response; `status` is a string (RFC 7644 section 3.12). */
export interface ScimErrorBody {
  readonly schemas: readonly [typeof errorSchema];
  readonly status: string;
  readonly scimType?: ScimType;
  readonly detail: string;
}

/** A refusal to be answered to the client. `detail` names attributes and rules, never values of the request. */
export class ScimError extends Error {
  override readonly name = 'ScimError';

  constructor(
    readonly status: number,
    readonly detail: string,
    readonly scimType?: ScimType,
  ) {
    super(detail);
  }

  private static of(scimType: ScimType, detail: string): ScimError {
    return new ScimError(statusOfScimType[scimType], detail, scimType);
  }

  static invalidFilter(detail: string): ScimError {
    return ScimError.of('invalidFilter', detail);
  }
  /** A stated limit was exceeded (413). */
  static tooMany(detail: string): ScimError {
    return ScimError.of('tooMany', detail);
  }
  static uniqueness(detail: string): ScimError {
    return ScimError.of('uniqueness', detail);
  }
  static mutability(detail: string): ScimError {
    return ScimError.of('mutability', detail);
  }
  static invalidSyntax(detail: string): ScimError {
    return ScimError.of('invalidSyntax', detail);
  }
  static invalidPath(detail: string): ScimError {
    return ScimError.of('invalidPath', detail);
  }
  static noTarget(detail: string): ScimError {
    return ScimError.of('noTarget', detail);
  }
  static invalidValue(detail: string): ScimError {
    return ScimError.of('invalidValue', detail);
  }
  static invalidVers(detail: string): ScimError {
    return ScimError.of('invalidVers', detail);
  }
  static sensitive(detail: string): ScimError {
    return ScimError.of('sensitive', detail);
  }
  static invalidCursor(detail: string): ScimError {
    return ScimError.of('invalidCursor', detail);
  }
  static expiredCursor(detail: string): ScimError {
    return ScimError.of('expiredCursor', detail);
  }
  static invalidCount(detail: string): ScimError {
    return ScimError.of('invalidCount', detail);
  }
  static unauthorized(detail = 'A valid bearer token is required.'): ScimError {
    return new ScimError(401, detail);
  }
  static forbidden(detail: string): ScimError {
    return new ScimError(403, detail);
  }
  static notFound(detail = 'The resource does not exist.'): ScimError {
    return new ScimError(404, detail);
  }
  static preconditionFailed(detail = 'The resource has changed since the version given in If-Match.'): ScimError {
    return new ScimError(412, detail);
  }
  static notImplemented(detail: string): ScimError {
    return new ScimError(501, detail);
  }

  toBody(): ScimErrorBody {
    return {
      schemas: [errorSchema],
      status: String(this.status),
      ...(this.scimType === undefined ? {} : { scimType: this.scimType }),
      detail: this.detail,
    };
  }
}
