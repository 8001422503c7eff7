// An OAuth provider that revokes in no time: the cascade's counterpart in a process of its own.
import { createServer } from 'node:http';

let calls = 0;

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    if (request.url === '/count') {
      response.end(String(calls));
      return;
    }
    calls += 1;
    response.writeHead(200, { 'content-length': '0' }).end();
  });
});

server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as { port: number }).port }));
