#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// As client.py, with Node. usage: client.js HOST:PORT...
'use strict';
const net = require('node:net');
const readline = require('node:readline');

class Minimio {
    constructor(path = process.env.MINIMIO_SOCKET || '/run/minimio/minimio.sock') {
        this.socket = net.connect(path);
        this.lastId = 0;
        this.calls = new Map(); // by the id of the request
        this.watchers = new Map(); // by token
        this.socket.on('error', (error) => this.fail(error));
        this.socket.on('end', () => this.fail(new Error('the daemon closed the session')));
        readline.createInterface({ input: this.socket }).on('line', (line) => this.take(JSON.parse(line)));
    }

    take(message) {
        if (message.method === 'ready')
            for (const event of message.params.events)
                this.watchers.get(event.token)(event);
        const call = this.calls.get(message.id);
        if (!call)
            return;
        this.calls.delete(message.id);
        if (message.error)
            call.reject(new Error(message.error.message));
        else
            call.resolve(message.result);
    }

    fail(error) {
        for (const call of this.calls.values())
            call.reject(error);
        this.calls.clear();
    }

    call(method, params = {}) {
        const id = ++this.lastId;
        this.socket.write(JSON.stringify({ jsonrpc: '2.0', id, method, params }) + '\n');
        return new Promise((resolve, reject) => this.calls.set(id, { resolve, reject }));
    }
}

async function follow(minimio, token, address) {
    let wake, ready = new Promise((resolve) => (wake = resolve));
    minimio.watchers.set(token, () => wake());
    await minimio.call('register', { token, address });
    for (;;) {
        await ready;
        ready = new Promise((resolve) => (wake = resolve));
        const result = await minimio.call('read', { token });
        if (result.bytes)
            process.stdout.write(`${token}: ${result.data}`);
        if (result.eof)
            return minimio.call('deregister', { token });
        await minimio.call('reregister', { token });
    }
}

const minimio = new Minimio();
Promise.all(process.argv.slice(2).map((address, i) => follow(minimio, i + 1, address)))
    .catch((error) => {
        console.error(`client.js: ${error.message}`);
        process.exitCode = 1;
    })
    .finally(() => minimio.socket.destroy());
