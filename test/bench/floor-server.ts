// The floors R and W: a bare Nest application on Fastify that echoes, and that first makes one row durable.
import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Body, Controller, Get, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';

/**
 * One event row per request in the table that an event log needs, unique by stream and revision; all callers of one tick
 * in one transaction: the least that a durable event can cost.
 */
class Durable {
  private readonly db = new DatabaseSync(join(mkdtempSync(join(tmpdir(), 'floor-')), 'floor.db'));
  private readonly insert;
  private waiting: { id: string; row: Buffer; resolve: () => void }[] = [];

  constructor() {
    this.db.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
      CREATE TABLE events (position INTEGER PRIMARY KEY, stream TEXT, revision INTEGER, bytes BLOB);
      CREATE UNIQUE INDEX events_stream ON events (stream, revision)`);
    this.insert = this.db.prepare('INSERT INTO events (stream, revision, bytes) VALUES (?, 0, ?)');
  }

  write(data: object): Promise<void> {
    const id = randomUUID();
    const row = Buffer.from(JSON.stringify({ id, type: 'UserProvisioned', stream: id, revision: 0, data }));
    return new Promise((resolve) => {
      if (this.waiting.length === 0) setImmediate(() => this.flush());
      this.waiting.push({ id, row, resolve });
    });
  }

  private flush(): void {
    const batch = this.waiting;
    this.waiting = [];
    this.db.exec('BEGIN IMMEDIATE');
    for (const { id, row } of batch) this.insert.run(id, row);
    this.db.exec('COMMIT');
    for (const { resolve } of batch) resolve();
  }
}

const durable = new Durable();
const stored = Buffer.from(JSON.stringify({ userName: 'x'.repeat(600) }));

let kept: object = {};

@Controller()
class FloorController {
  @Get('echo')
  read(): Buffer {
    return stored;
  }

  @Post('durable')
  async create(@Body() body: object): Promise<object> {
    await durable.write(body);
    return body;
  }

  @Post('kept')
  keep(@Body() body: object): void {
    kept = body;
  }

  @Get('kept')
  readKept(): object {
    return kept;
  }
}

@Module({ controllers: [FloorController] })
class FloorModule {}

const app = await NestFactory.create<NestFastifyApplication>(FloorModule, new FastifyAdapter({ bodyLimit: 2 ** 21 }), {
  logger: false,
});
await app.listen(0, '127.0.0.1');
process.send?.({ port: (app.getHttpServer().address() as { port: number }).port });
