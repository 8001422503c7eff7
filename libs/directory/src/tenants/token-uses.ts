// Remembers when each token was last used, to the minute: a request that comes in on a token must not cost a write.
import { Clock } from '@app/runtime';
import { Inject, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import type { Kysely } from 'kysely';
import { LRUCache } from 'lru-cache';
import { DIRECTORY_DB, type DirectoryDb } from '../directory-db.js';

/** Between two writes for one token. */
const REST_MS = 60_000;
const KEPT = 10_000;

@Injectable()
export class TokenUses implements OnModuleDestroy {
  private readonly logger = new Logger('tokens');
  /** When the use of a token was last written, ms. */
  private readonly written = new LRUCache<string, number>({ max: KEPT });
  private writing: Promise<void> = Promise.resolve();

  constructor(
    @Inject(DIRECTORY_DB) private readonly db: Kysely<DirectoryDb>,
    private readonly clock: Clock,
  ) {}

  /** The first use in a minute is written, behind the request; the others are not. */
  note(tenant: string, tokenId: string): void {
    const now = this.clock.now();
    const last = this.written.get(tokenId);
    if (last !== undefined && now < last + REST_MS) return;
    this.written.set(tokenId, now);
    this.writing = Promise.all([this.writing, this.write(tenant, tokenId, this.clock.iso(now))]).then(
      () => undefined,
      (error: unknown) => {
        this.written.delete(tokenId);
        this.logger.warn({ err: error }, 'the last use of a token could not be written: the next use is');
      },
    );
  }

  async onModuleDestroy(): Promise<void> {
    await this.writing;
  }

  private async write(tenant: string, token_id: string, used_at: string): Promise<void> {
    await this.db
      .insertInto('token_uses')
      .values({ tenant, token_id, used_at })
      .onConflict((conflict) => conflict.columns(['tenant', 'token_id']).doUpdateSet({ used_at }))
      .execute();
  }
}
