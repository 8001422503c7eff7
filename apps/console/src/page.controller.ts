// Serves the console's page: a few static files, open to everybody, because they hold nothing but code.
import { readFile } from 'node:fs/promises';
import { Public } from '@app/http';
import { Controller, Get, NotFoundException, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';

/** Nothing from elsewhere, nothing inline, no frame around it: what the page shows can never become code. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-cache',
};

/** The only files there are, with their types: a name in a request is never a path. */
const FILES: ReadonlyMap<string, string> = new Map([
  ['index.html', 'text/html'],
  ['console.js', 'text/javascript'],
  ['deeds.js', 'text/javascript'],
  ['elements.js', 'text/javascript'],
  ['lists.js', 'text/javascript'],
  ['service.js', 'text/javascript'],
  ['console.css', 'text/css'],
]);

@ApiExcludeController()
@Controller('console')
@Public()
export class PageController {
  @Get()
  page(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    return this.file('index.html', reply);
  }

  @Get(':name')
  async file(@Param('name') name: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const type = FILES.get(name);
    if (type === undefined) throw new NotFoundException();
    reply.headers({ ...HEADERS, 'content-type': `${type}; charset=utf-8` });
    return readFile(new URL(`./page/${name}`, import.meta.url), 'utf8');
  }
}
