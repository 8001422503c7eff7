// The floors R and W: a bare Nest application on Fastify that echoes, and that first makes one row durable.
import 'reflect-metadata';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Body, Controller, Get, Module, Patch, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';

/** One table, one INSERT, all callers of one tick in one transaction: the least that a durable write can cost. */
class Durable {
  private readonly db = new DatabaseSync(join(mkdtempSync(join(tmpdir(), 'floor-')), 'floor.db'));
  private readonly insert;
  private waiting: { row: Buffer; resolve: () => void }[] = [];

  constructor() {
    this.db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE e (p INTEGER PRIMARY KEY, b BLOB)');
    this.insert = this.db.prepare('INSERT INTO e (b) VALUES (?)');
  }

  write(row: Buffer): Promise<void> {
    return new Promise((resolve) => {
      if (this.waiting.length === 0) setImmediate(() => this.flush());
      this.waiting.push({ row, resolve });
    });
  }

  private flush(): void {
    const batch = this.waiting;
    this.waiting = [];
    this.db.exec('BEGIN IMMEDIATE');
    for (const { row } of batch) this.insert.run(row);
    this.db.exec('COMMIT');
    for (const { resolve } of batch) resolve();
  }
}

const durable = new Durable();
const stored = Buffer.from(JSON.stringify({ userName: 'x'.repeat(600) }));

@Controller()
class FloorController {
  @Get('echo')
  read(): Buffer {
    return stored;
  }

  @Post('echo')
  echo(@Body() body: object): object {
    return body;
  }

  @Post('durable')
  async create(@Body() body: object): Promise<object> {
    await durable.write(Buffer.from(JSON.stringify(body)));
    return body;
  }

  @Patch('durable')
  async change(@Body() body: object): Promise<object> {
    await durable.write(Buffer.from(JSON.stringify(body)));
    return body;
  }
}

@Module({ controllers: [FloorController] })
class FloorModule {}

const app = await NestFactory.create<NestFastifyApplication>(FloorModule, new FastifyAdapter(), { logger: false });
await app.listen(0, '127.0.0.1');
process.send?.({ port: (app.getHttpServer().address() as { port: number }).port });
