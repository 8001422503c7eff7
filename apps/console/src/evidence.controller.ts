// What an auditor takes away: the trail in sentences, signed checkpoints, proofs of single events, and bundles.
import { Checkpoints, EvidenceBundles, Ledger, proveEvent, Trail, type EvidenceScope } from '@app/audit';
import { Caller, ProblemError, type Principal } from '@app/http';
import { Get, Header, Param, Query, StreamableFile } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { EventPlace, EvidenceRequest, ReadTrail } from './evidence.dto.js';
import { found } from './known-errors.js';
import { directoryNames } from './names.js';
import { OperatorController } from './operator-route.js';
import { EventProofAnswer, TrailAnswer } from './trail-answers.dto.js';

@OperatorController('')
export class EvidenceController {
  constructor(
    private readonly trail: Trail,
    private readonly ledger: Ledger,
    private readonly checkpoints: Checkpoints,
    private readonly bundles: EvidenceBundles,
    private readonly queries: QueryBus,
  ) {}

  /** Newest first. */
  @Get('trail')
  @ApiOperation({ summary: 'The trail: events in sentences, the newest first' })
  @ApiOkResponse({ type: TrailAnswer })
  async read(@Caller() { tenant }: Principal, @Query() query: ReadTrail): Promise<TrailAnswer> {
    const { subject, cascade, target, from, to, order, cursor, limit } = query;
    const { lines, next } = await this.trail.trail(tenant, {
      subjects: subject === undefined ? [] : [subject],
      cascadeId: cascade,
      targetId: target,
      from,
      to,
      direction: order === 'oldest' ? 'forwards' : 'backwards',
      after: cursor === undefined ? undefined : Number(cursor),
      limit,
    });
    return { items: lines, next: next?.toString() };
  }

  /** The ledger as it is now, as a signed note (C2SP tlog-checkpoint): keep it where this service cannot reach it. */
  @Get('checkpoint')
  @ApiOperation({ summary: 'The ledger as it is now, as a signed note: keep it where this service cannot write' })
  @ApiOkResponse({ description: 'C2SP tlog-checkpoint.', content: { 'text/plain': { schema: { type: 'string' } } } })
  @Header('content-type', 'text/plain; charset=utf-8')
  async checkpoint(@Caller() { tenant }: Principal): Promise<string> {
    return (await this.checkpoints.sign(tenant)).note;
  }

  /** The public key that checkpoints and bundles of this tenant verify with: `verify.mjs --vkey`. */
  @Get('checkpoint/vkey')
  @ApiOperation({ summary: 'The public key that checkpoints and bundles verify with' })
  @ApiOkResponse({ description: 'For `verify.mjs --vkey`.', content: { 'text/plain': { schema: { type: 'string' } } } })
  @Header('content-type', 'text/plain; charset=utf-8')
  vkey(@Caller() { tenant }: Principal): string {
    return `${this.checkpoints.vkey(tenant)}\n`;
  }

  /** By place in the ledger, which the trail shows. An index by event id would double the cost of every event. */
  @Get('events/:seq/proof')
  @ApiOperation({ summary: 'That one event is in the ledger: its bytes, its path and a signed checkpoint' })
  @ApiOkResponse({ type: EventProofAnswer })
  async proof(@Caller() { tenant }: Principal, @Param() { seq }: EventPlace): Promise<EventProofAnswer> {
    return found(await proveEvent({ ledger: this.ledger, checkpoints: this.checkpoints }, tenant, seq), 'event');
  }

  /** A zip that verifies offline. Cut off half way, it is no zip: a client cannot mistake it for whole. */
  @Get('evidence')
  @ApiOperation({ summary: 'A bundle that verifies offline: node verify.mjs bundle.zip --vkey ...' })
  @ApiOkResponse({
    description: 'Cut off half way it is no zip.',
    content: { 'application/zip': { schema: { type: 'string', format: 'binary' } } },
  })
  async evidence(@Caller() { tenant }: Principal, @Query() request: EvidenceRequest): Promise<StreamableFile> {
    const { fileName, content } = await this.bundles.create(tenant, scopeOf(request), {
      pinnedSizes: (request.pinned ?? []).map(Number),
      ...(request.names === 'true' ? { resolveNames: directoryNames(this.queries) } : {}),
    });
    return new StreamableFile(content, { type: 'application/zip', disposition: `attachment; filename="${fileName}"` });
  }
}

function scopeOf({ type, id, from, to }: EvidenceRequest): EvidenceScope {
  if (type === 'cascade') return { type, cascadeId: id };
  if (type === 'user') return { type, userId: id };
  if (from < to) return { type, from, to };
  const detail = 'A population is everybody who was denied from "from" on and before "to": send a "from" before "to".';
  throw new ProblemError({ status: 400, code: 'invalid_period', detail });
}
