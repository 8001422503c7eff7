// Keeps the bytes of answers to reads until the directory changes what they show: a group of 10,000 is built once.
import { DirectoryView, type Scope } from '@app/directory';
import type { RecordedEvent } from '@app/events';
import type { Dialect, Spelling } from '@app/scim';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';

/** A list as it is answered: JSON, as UTF-8 if it is bytes. */
export interface KeptList {
  readonly body: string | Buffer;
}

export interface KeptResource extends KeptList {
  readonly revision: bigint;
  readonly etag: string;
}

/** Who is answered, and how: a kept answer is for the connection that it was made for, as that one was. */
export interface Reader {
  readonly context: Scope;
  readonly dialect: Dialect;
  readonly spelling?: Spelling | undefined;
}

interface Kept {
  readonly answer: KeptList;
  readonly connection: string | undefined;
  readonly dialect: Dialect;
  readonly spelling: Spelling | undefined;
}

const CAPACITY_BYTES = 128 * 1024 * 1024;
/** Counted per answer for its key and its place in the cache. */
const OVERHEAD_BYTES = 300;
/** A longer text is kept as bytes, so that it is encoded once; a shorter one is sent faster as it is. */
const TEXT_LENGTH = 16 * 1024;
/** Resources whose last change is known. */
const CHANGES = 4_096;

/** Streams of what no answer shows. */
const ELSEWHERE = /^(username|tenant|roles|connection|provider|credential|schedule|run|cascade|revocation)-/;

/**
 * Answers are keyed by what they show, under generations that grow when it changes, so that what is out of date is no
 * longer found and falls out in time. Another process of the same service learns of a write a moment later.
 */
@Injectable()
export class AnswerCache {
  private readonly kept = new LRUCache<string, Kept>({
    maxSize: CAPACITY_BYTES,
    sizeCalculation: ({ answer }) => Buffer.byteLength(answer.body) + OVERHEAD_BYTES,
  });
  /** The revisions that resources came to by their own last event; not of those that anything else has changed since. */
  private readonly changes = new Map<string, bigint>();
  /** Of a tenant, of all single resources of a type in it, of all lists of them. */
  private readonly generations = new Map<string, number>();
  /** Grows with every change: what was read before it must not be kept after it. */
  private epoch = 0;

  constructor(directory: DirectoryView) {
    directory.onCommitted((events) => {
      for (const event of events) this.forgetWhatShows(event);
    });
  }

  /** One resource as it is answered when nothing in particular is asked for. What `make` throws is not kept. */
  one(reader: Reader, type: string, id: string, make: () => Promise<KeptResource>): Promise<KeptResource> {
    return this.answer(this.keyOf(reader.context.tenant, type, id), reader, make);
  }

  /** @param asked the whole of the question */
  list(reader: Reader, type: string, asked: string, make: () => Promise<KeptList>): Promise<KeptList> {
    const { tenant, connection } = reader.context;
    return this.answer(this.keyOf(tenant, `${type}s`, `${connection} ${asked}`), reader, make);
  }

  /** Keeps what was answered to a write, unless something has changed since that the resource shows. */
  written(reader: Reader, type: string, id: string, answer: KeptResource): void {
    const key = this.keyOf(reader.context.tenant, type, id);
    if (this.changes.get(key) === answer.revision) this.keep(key, reader, answer);
  }

  private async answer<A extends KeptList>(key: string, reader: Reader, make: () => Promise<A>): Promise<A> {
    const known = this.kept.get(key);
    if (known !== undefined && isFor(known, reader)) return known.answer as A;
    const { epoch } = this;
    const answer = await make();
    if (epoch === this.epoch) this.keep(key, reader, answer);
    return answer;
  }

  private keep(key: string, { context, dialect, spelling }: Reader, answer: KeptList): void {
    this.kept.set(key, { answer, connection: context.connection, dialect, spelling });
  }

  private keyOf(tenant: string, what: string, which: string): string {
    return `${tenant} ${this.generation(tenant)} ${what} ${this.generation(`${tenant} ${what}`)} ${which}`;
  }

  private generation(name: string): number {
    return this.generations.get(name) ?? 0;
  }

  /** Users are shown with the names of their groups, groups with the names of their members. */
  private forgetWhatShows(event: RecordedEvent): void {
    const { tenant } = event.metadata;
    switch (event.type) {
      case 'UserProvisioned':
      case 'UserDeactivated':
      case 'UserReactivated':
        return this.forgetOne(tenant, 'User', event.data.userId, event.revision);
      case 'UserChanged':
        if (renames(event.data.changed)) this.forgetAll(tenant, 'Group');
        return this.forgetOne(tenant, 'User', event.data.userId, event.revision);
      case 'UserDeleted':
      case 'AgentDeleted':
      case 'ResourceDeleted':
        // What is out of date elsewhere may stay until it falls out; what is erased may not.
        this.epoch += 1;
        this.changes.clear();
        return this.kept.clear();
      case 'ResourceCreated':
      case 'ResourceChanged':
        return this.forgetOne(tenant, event.data.resourceType, event.data.resourceId);
      case 'GroupCreated':
        return this.forgetOne(tenant, 'Group', event.data.groupId);
      case 'GroupMembershipChanged':
        this.forgetOne(tenant, 'Group', event.data.groupId);
        for (const { id } of [...event.data.added, ...event.data.removed]) this.forgetOne(tenant, 'User', id);
        return;
      default:
        // Whatever else happens in a directory: rather too much is forgotten than too little.
        if (!ELSEWHERE.test(event.stream)) this.grow(tenant);
    }
  }

  /** @param revision that the resource came to, where all that it shows is known from its own events */
  private forgetOne(tenant: string, type: string, id: string, revision?: bigint): void {
    const key = this.keyOf(tenant, type, id);
    this.kept.delete(key);
    if (this.changes.size >= CHANGES) this.changes.clear();
    if (revision === undefined) this.changes.delete(key);
    else this.changes.set(key, revision);
    this.grow(`${tenant} ${type}s`);
  }

  private forgetAll(tenant: string, type: string): void {
    this.grow(`${tenant} ${type}`);
    this.grow(`${tenant} ${type}s`);
  }

  private grow(name: string): void {
    this.epoch += 1;
    this.generations.set(name, this.generation(name) + 1);
  }
}

/** An answer in the form in which it is kept. */
export const asKept = (text: string): string | Buffer => (text.length > TEXT_LENGTH ? Buffer.from(text) : text);

const isFor = ({ connection, dialect, spelling }: Kept, reader: Reader): boolean =>
  connection === reader.context.connection && dialect === reader.dialect && spelling === reader.spelling;

const renames = (changed: readonly string[]): boolean =>
  changed.some((path) => path === 'displayName' || path === 'userName');
