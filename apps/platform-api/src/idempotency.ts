// Idempotency-Key: a POST sent again within a day gets the answer it got, and what it creates keeps its id.
import type { AuthenticatedRequest } from '@app/http';
import { Clock, derivedId, migrateAlone, newId } from '@app/runtime';
import { Vault } from '@app/vault';
import {
  createParamDecorator,
  Inject,
  Injectable,
  SetMetadata,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type OnModuleInit,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Kysely } from 'kysely';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { IDEMPOTENCY_DB, migrateIdempotencyDb, type IdempotencyDb } from './idempotency-db.js';
import { platformProblem } from './platform-problems.js';
import { EVERYBODY_MS } from './writes.js';

/** How long an answer is replayed. */
const KEPT_MS = 24 * 60 * 60 * 1000;
/** How long a request may run before its key may be tried again, as its process may have died: longer than all its waits. */
export const RUNNING_MS = 10 * EVERYBODY_MS;
const KEY = /^[\x21-\x7e]{1,255}$/;
const SHOWN_ONCE = 'platform:shown-once';

/** The answer of this route holds a token: it is not kept, and a repeated key is refused. */
export const ShownOnce = () => SetMetadata(SHOWN_ONCE, true);

interface Request extends AuthenticatedRequest {
  idempotencySeed?: string;
}

/** What ids are derived from where the caller chose none; undefined without an Idempotency-Key. */
export const Seed = createParamDecorator(
  (_: unknown, context: ExecutionContext): string | undefined =>
    context.switchToHttp().getRequest<Request>().idempotencySeed,
);

/** The same id for the same request, even if the process died before it answered; random without a seed. */
export const idFrom = (seed: string | undefined, ...parts: readonly string[]): string =>
  seed === undefined ? newId() : derivedId(seed, ...parts);

/** All of it together names one run of one request: whoever outlived a claim must not touch the next one. */
type Claim = Pick<IdempotencyDb['idempotent_requests'], 'tenant' | 'key_digest' | 'request_digest' | 'expires_at'>;

@Injectable()
export class Idempotency implements NestInterceptor, OnModuleInit {
  constructor(
    @Inject(IDEMPOTENCY_DB) private readonly db: Kysely<IdempotencyDb>,
    private readonly vault: Vault,
    private readonly clock: Clock,
    private readonly reflector: Reflector,
  ) {}

  /** Nest makes one of these for each use as an interceptor, and they start together. */
  onModuleInit(): Promise<void> {
    return migrateAlone(this.db, migrateIdempotencyDb);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<Request>();
    const key = request.headers['idempotency-key'];
    if (request.method !== 'POST' || key === undefined) return next.handle();
    const shownOnce = this.reflector.get<boolean | undefined>(SHOWN_ONCE, context.getHandler()) === true;
    return from(this.once(key, request, next, shownOnce));
  }

  private async once(key: string | string[], request: Request, next: CallHandler, shownOnce: boolean) {
    if (typeof key !== 'string' || !KEY.test(key)) throw platformProblem('invalid_idempotency_key');
    const { tenant } = request.principal;
    const asked = `${request.method} ${request.url} ${JSON.stringify(request.body ?? null)}`;
    const claim = {
      tenant,
      key_digest: this.vault.fingerprint(tenant, 'idempotency-key', key),
      request_digest: this.vault.fingerprint(tenant, 'idempotency-request', asked),
      expires_at: this.clock.now() + RUNNING_MS,
    };
    if (!(await this.claimed(claim))) return this.answerOf(claim);
    request.idempotencySeed = `${tenant} ${claim.key_digest} ${claim.request_digest}`;
    let answer: unknown;
    try {
      answer = await lastValueFrom(next.handle(), { defaultValue: undefined });
    } catch (error) {
      // Whatever was recorded has a derived id: the same request leads to the same answer once more.
      await this.release(claim);
      throw error;
    }
    await this.keep(claim, answer, shownOnce);
    return answer;
  }

  private async claimed(claim: Claim): Promise<boolean> {
    await this.db.deleteFrom('idempotent_requests').where('expires_at', '<=', this.clock.now()).execute();
    const row = await this.db
      .insertInto('idempotent_requests')
      .values({ ...claim, state: 'running', answer: null })
      .onConflict((c) => c.doNothing())
      .returning('state')
      .executeTakeFirst();
    return row !== undefined;
  }

  private async answerOf({ tenant, key_digest, request_digest }: Claim): Promise<unknown> {
    const row = await this.db
      .selectFrom('idempotent_requests')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('key_digest', '=', key_digest)
      .executeTakeFirst();
    // Released between the claim and this look: the other one failed, so this one may be sent again.
    if (row === undefined) throw platformProblem('idempotency_in_progress');
    if (row.request_digest !== request_digest) throw platformProblem('idempotency_key_reused');
    if (row.state === 'running') throw platformProblem('idempotency_in_progress');
    if (row.answer === null) throw platformProblem('answer_shown_once');
    return JSON.parse(row.answer) ?? undefined;
  }

  private async keep(claim: Claim, answer: unknown, shownOnce: boolean): Promise<void> {
    await this.db
      .updateTable('idempotent_requests')
      .set({
        state: shownOnce ? 'shown-once' : 'done',
        answer: shownOnce ? null : JSON.stringify(answer ?? null),
        expires_at: this.clock.now() + KEPT_MS,
      })
      .where((eb) => eb.and({ ...claim, state: 'running' }))
      .execute();
  }

  private async release(claim: Claim): Promise<void> {
    await this.db
      .deleteFrom('idempotent_requests')
      .where((eb) => eb.and({ ...claim, state: 'running' }))
      .execute();
  }
}
