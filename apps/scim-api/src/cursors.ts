// Cursors of RFC 9865: a place in a list, signed for whom it was made and for what was asked, and valid for a while.
import { timingSafeEqual } from 'node:crypto';
import type { From } from '@app/directory';
import type { RequestContext } from '@app/events';
import { Clock } from '@app/runtime';
import { limits, ScimError } from '@app/scim';
import { Vault } from '@app/vault';
import { Injectable } from '@nestjs/common';

/** What a cursor holds good for: another question, connection or tenant makes it invalid. */
export interface Asked {
  readonly context: Pick<RequestContext, 'tenant' | 'connection'>;
  /** The question without its page: types, filter, order. */
  readonly question: string;
}

/** A place, and of which of the listed types. */
export interface CursorPlace extends From {
  readonly type: number;
}

/** type, direction, place, index, total, end of its validity in seconds: as they stand in a cursor. */
type Fields = readonly [number, 0 | 1, number, number, number, number];

const FORM = /^([\w-]{1,200})\.([\w-]{22})$/;

@Injectable()
export class Cursors {
  constructor(
    private readonly vault: Vault,
    private readonly clock: Clock,
  ) {}

  /** @returns printable without escaping in a URL */
  make(asked: Asked, { type, direction, seq, index, total = 0 }: CursorPlace): string {
    const end = Math.floor(this.clock.now() / 1000) + limits.cursorSeconds;
    const fields: Fields = [type, direction === 'after' ? 1 : 0, seq, index, total, end];
    const body = Buffer.from(JSON.stringify(fields)).toString('base64url');
    return `${body}.${this.sign(asked, body)}`;
  }

  /** @throws ScimError invalidCursor (not made here, or not for this question), expiredCursor */
  open(asked: Asked, cursor: string): CursorPlace {
    const [, body, signature] = FORM.exec(cursor) ?? [];
    if (body === undefined || signature === undefined || !same(signature, this.sign(asked, body))) {
      throw ScimError.invalidCursor('The cursor was not handed out for this question: ask again from the first page.');
    }
    // Signed by this service, so it is what make() wrote.
    const [type, direction, seq, index, total, end] = JSON.parse(Buffer.from(body, 'base64url').toString()) as Fields;
    if (this.clock.now() >= end * 1000) {
      throw ScimError.expiredCursor('The cursor is too old: ask again from the first page.');
    }
    return { type, direction: direction === 1 ? 'after' : 'before', seq, index, total };
  }

  private sign({ context: { tenant, connection = '' }, question }: Asked, body: string): string {
    return this.vault.fingerprint(tenant, 'cursor', JSON.stringify([connection, question, body]));
  }
}

const same = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a), Buffer.from(b));
