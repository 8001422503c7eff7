// What the door itself refuses, before any app is asked.
import { limits } from '@app/scim';

/** An error with the status it is answered with. Messages never quote the request. */
export abstract class Refusal extends Error {
  abstract readonly status: number;
  abstract readonly code: string;
  /** Seconds, an integer: Okta honours nothing else. */
  readonly retryAfter?: number;
}

export class Unauthorized extends Refusal {
  override readonly name = 'Unauthorized';
  readonly status = 401;
  readonly code = 'unauthorized';
  constructor() {
    super('A valid bearer token is required: send "Authorization: Bearer <token>".');
  }
}

export class Forbidden extends Refusal {
  override readonly name = 'Forbidden';
  readonly status = 403;
  readonly code = 'forbidden';
  constructor() {
    super('This token does not open this part of the service: use a token of the right kind.');
  }
}

export class MalformedJson extends Refusal {
  override readonly name = 'MalformedJson';
  readonly status = 400;
  readonly code = 'malformed_json';
  constructor(message = 'The body is not valid JSON in UTF-8.') {
    super(message);
  }
}

export class DuplicateKeys extends MalformedJson {
  constructor() {
    super('The body names a key twice in one object: say each thing once.');
  }
}

export class NestedTooDeep extends MalformedJson {
  constructor() {
    super(`The body is nested deeper than ${limits.jsonDepth}.`);
  }
}

export class BodyTooLarge extends Refusal {
  override readonly name = 'BodyTooLarge';
  readonly status = 413;
  readonly code = 'body_too_large';
  constructor() {
    super('The body is larger than this service accepts: send less at once.');
  }
}

/** Long enough for an identity provider not to hammer on the door, short enough for a pause of minutes. */
const PAUSED_SECONDS = 60;

export class ConnectionPaused extends Refusal {
  override readonly name = 'ConnectionPaused';
  readonly status = 503;
  readonly code = 'connection_paused';
  override readonly retryAfter = PAUSED_SECONDS;
  constructor() {
    super('An operator has paused this connection: nothing was done. Send the same request again later.');
  }
}

export class TooManyRequests extends Refusal {
  override readonly name = 'TooManyRequests';
  readonly status = 429;
  readonly code = 'too_many_requests';
  constructor(override readonly retryAfter: number) {
    super('This connection sends more requests than it may: send this one again later.');
  }
}

export class WrongMediaType extends Refusal {
  override readonly name = 'WrongMediaType';
  readonly status = 415;
  readonly code = 'unsupported_media_type';
  constructor() {
    super('Send the body as application/scim+json or application/json; only a token is asked for by a form.');
  }
}
