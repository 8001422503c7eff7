// An answer before it is sent: serialised once, and with the headers that belong to it.
import type { Noted } from '@app/http';
import { acceptedType } from '@app/scim';
import type { FastifyReply } from 'fastify';

export interface ScimAnswer {
  readonly status: number;
  /** JSON, as UTF-8 if it is bytes; absent with 204 and 304. */
  readonly body?: string | Buffer;
  readonly etag?: string;
  /** The URL of the resource that was written. */
  readonly location?: string;
  /** The id of the resource that was written. */
  readonly id?: string;
}

export function send(reply: FastifyReply, { status, body, etag, location, id }: ScimAnswer): void {
  reply.code(status);
  if (status === 201 && id !== undefined) (reply.request as Noted).createdId = id;
  if (etag !== undefined) reply.header('etag', etag);
  if (location !== undefined) reply.header('location', location);
  if (body !== undefined) reply.header('content-type', `${acceptedType(reply.request.headers.accept)}; charset=utf-8`);
  reply.send(body);
}
