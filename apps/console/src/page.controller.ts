// Serves the console's page: three static files, open to everybody, because they hold nothing but code.
import { readFile } from 'node:fs/promises';
import { Public } from '@app/http';
import { Controller, Get, Header } from '@nestjs/common';

const read = (name: string): Promise<string> => readFile(new URL(`./page/${name}`, import.meta.url), 'utf8');

/** Nothing from elsewhere, nothing inline, no frame around it: what the page shows can never become code. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const File =
  (type: string): MethodDecorator =>
  (target, key, descriptor) => {
    const headers = {
      'content-type': `${type}; charset=utf-8`,
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'no-cache',
    };
    for (const [name, value] of Object.entries(headers)) Header(name, value)(target, key, descriptor);
  };

@Controller('console')
@Public()
export class PageController {
  @Get()
  @File('text/html')
  page(): Promise<string> {
    return read('index.html');
  }

  @Get('console.js')
  @File('text/javascript')
  script(): Promise<string> {
    return read('console.js');
  }

  @Get('console.css')
  @File('text/css')
  style(): Promise<string> {
    return read('console.css');
  }
}
