// A client made of jayson's, which brings its own way to the socket: a connection for each call or batch.
'use strict';

const assert = require('assert');
const jayson = require('jayson/promise');

async function main(socket, address) {
  const client = jayson.Client.tcp({ path: socket });

  const hello = await client.request('hello', {});
  assert.strictEqual(hello.error, undefined);
  assert.strictEqual(hello.result.server, 'minimiod');
  assert.strictEqual(hello.result.protocol, 1);

  const unknown = await client.request('no_such_method', []);
  assert.strictEqual(unknown.error.code, -32601);

  const [registered, listed] = await client.request([
    client.request('register', { token: 7, address }, undefined, false),
    client.request('list', [null, 10], undefined, false),
  ]);
  assert.strictEqual(registered.result.token, 7);
  assert.strictEqual(registered.result.peer, address);
  assert.strictEqual(listed.result.registrations[0].token, 7);
  assert.strictEqual(listed.result.registrations[0].address, address);
}

main(process.argv[2], process.argv[3]).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
