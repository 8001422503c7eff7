// Takes the address and port that were configured, or says why they cannot be taken.
import type { Config } from '@app/runtime';
import type { INestApplication } from '@nestjs/common';

const sentences: Readonly<Record<string, string>> = {
  EADDRINUSE: 'The port is taken by another program. Choose another: PORT=8081 npm start (0 = any free one).',
  EACCES: 'This account may not listen on the port. Choose a PORT above 1023.',
  EADDRNOTAVAIL: 'HOST is not an address of this machine. Set it to one, or to 0.0.0.0 for all IPv4 addresses.',
  ENOTFOUND: 'HOST is a name that cannot be resolved. Set it to an address of this machine, or to 0.0.0.0.',
};

/** @throws with a sentence that names the option to change */
export async function listen(app: INestApplication, { port, host }: Pick<Config, 'port' | 'host'>): Promise<void> {
  try {
    await app.listen(port, host);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const text = sentences[code] ?? `HOST and PORT cannot be listened on: ${message}. Choose others.`;
    throw new Error(text, { cause: error });
  }
}
