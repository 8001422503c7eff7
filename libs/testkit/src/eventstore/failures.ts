// How EventStoreDB says over gRPC what went wrong: a status, and in its metadata which exception it was.
import { Metadata, status } from '@grpc/grpc-js';
import { MAX_APPEND_SIZE } from './stored-streams.js';

export interface Failure {
  readonly code: status;
  readonly details: string;
  readonly metadata?: Metadata;
}

function failure(code: status, details: string, facts: Record<string, string>): Failure {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(facts)) metadata.set(name, value);
  return { code, details, metadata };
}

/** Sent by a node that would not forward the call. */
export const notLeader = (host: string, port: number): Failure =>
  failure(status.NOT_FOUND, 'Leader info available', {
    exception: 'not-leader',
    'leader-endpoint-host': host,
    'leader-endpoint-port': `${port}`,
  });

export const tooLarge = (): Failure =>
  failure(status.INVALID_ARGUMENT, `Maximum Append Size of ${MAX_APPEND_SIZE} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': `${MAX_APPEND_SIZE}`,
  });

export const streamDeleted = (stream: string): Failure =>
  failure(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': stream,
  });
