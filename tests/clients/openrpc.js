// Validates what rpc.discover says against OpenRPC's meta-schema, and what methods answer against what it says of them.
'use strict';

const assert = require('assert');
const net = require('net');
const readline = require('readline');
const Ajv = require('ajv');
const { openrpcDocument } = require('@open-rpc/meta-schema');
const { jsonSchema } = require('@json-schema-tools/meta-schema');

// Its dialect is JSON Schema's draft 7 under another name, which it refers to with and without the last slash.
function validatorOf(schema) {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema({ ...jsonSchema, $schema: undefined });
  ajv.addSchema({ $ref: 'https://meta.json-schema.tools/#' }, 'https://meta.json-schema.tools');
  return ajv.compile({ ...schema, $schema: undefined });
}

function requireValid(validate, value, what) {
  assert.ok(validate(value), `${what}: ${JSON.stringify(validate.errors, null, 1)}`);
}

// Every schema in the document compiles, with what it refers to.
function schemasOf(document) {
  const ajv = new Ajv({ strict: false });
  ajv.addSchema(document, 'document');
  const compiled = new Map();
  document.methods.forEach((method, i) => {
    const at = `document#/methods/${i}`;
    compiled.set(method.name, ajv.compile({ $ref: `${at}/result/schema` }));
    method.params.forEach((param, k) => {
      const validate = ajv.compile({ $ref: `${at}/params/${k}/schema` });
      if ('default' in param.schema) requireValid(validate, param.schema.default, `${method.name}: ${param.name}`);
    });
  });
  Object.keys(document.components.schemas).forEach((name) => {
    ajv.compile({ $ref: `document#/components/schemas/${name}` });
  });
  return compiled;
}

// A session, whose calls are made one after the other.
async function* sessionWith(socket, calls) {
  const connection = net.connect(socket);
  const lines = readline.createInterface({ input: connection })[Symbol.asyncIterator]();

  for (const [method, params] of calls) {
    let reply;

    connection.write(JSON.stringify({ jsonrpc: '2.0', id: method, method, params }));
    do reply = JSON.parse((await lines.next()).value);
    while (reply.id !== method);
    assert.ok(reply.result, `${method}: ${JSON.stringify(reply)}`);
    yield [method, reply.result];
  }
  connection.end();
}

async function main(socket, address) {
  const validate = validatorOf(openrpcDocument);
  let schemas;

  for await (const [method, result] of sessionWith(socket, [
    ['rpc.discover', []],
    ['hello', []],
    ['ping', {}],
    ['stats', {}],
    ['open_loop', { name: 'validated', delivery: 'poll' }],
    ['register', { token: 1, address, interests: ['writable'], mode: 'level' }],
    ['poll', { timeout_ms: 20000 }],
    ['list', {}],
    ['loops', {}],
    ['read', { token: 1 }],
    ['write', { token: 1, data: '' }],
    ['shutdown', { token: 1, how: 'write' }],
    ['reregister', { token: 1 }],
    ['take', { token: 1 }],
    ['register', { token: 1, address }],
    ['register', { token: 1, address, ensure: true }],
    ['cancel', { id: 'x' }],
    ['deregister', { token: 1 }],
    ['close_loop', []],
  ])) {
    if (!schemas) {
      requireValid(validate, result, 'the document');
      assert.ok(!validate({ ...result, methods: [{ name: 'x' }] }), 'the validator takes anything');
      schemas = schemasOf(result);
    }
    requireValid(schemas.get(method), result, method);
    schemas.get(method).met = true;
  }
  for (const [method, { met }] of schemas) assert.ok(met, `${method} was not tried`);
}

main(process.argv[2], process.argv[3]).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
